/** A feed that loses datagrams, made whole, against a plain list of its messages. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../workloads/authoring/seeded-random.js';
import { MoldPacker } from '../../../../workloads/trading/wire-formats/moldudp64.js';
import { MulticastSubscription } from '../../../../workloads/trading/feed/multicast-subscription.js';

const SESSION = 'S';
const PATIENCE = 10;

/** Message n is four bytes, n among them. */
const messageOf = (number: number): Uint8Array =>
  Uint8Array.of(0x58, number >> 8, number & 0xff, 0);

function datagramOf(sequence: number, count: number): Uint8Array {
  const packer = new MoldPacker(SESSION, 1400, sequence);
  for (let number = sequence; number < sequence + count; number++) {
    packer.add(messageOf(number), 0, 4);
  }
  return packer.datagram.slice(0, packer.finish());
}

function endAfter(sequence: number): Uint8Array {
  const packer = new MoldPacker(SESSION, 1400, sequence + 1);
  return packer.datagram.slice(0, packer.endOfSession());
}

describe('a subscription of a feed by multicast', () => {
  it.each([1, 2, 3, 4, 5])(
    'hands over every message once and in order, whatever is lost, doubled or late: seed %i',
    (seed) => {
      const random = seededRandom(seed, 'multicast');
      const last = 500;
      const subscription = new MulticastSubscription(SESSION, PATIENCE);
      const seen: number[] = [];
      const onTheWay: { at: number; datagram: Uint8Array }[] = [];
      const launch = (now: number, datagram: Uint8Array): void => {
        for (let copies = random() < 0.1 ? 2 : 1; copies > 0; copies--) {
          if (random() < 0.2) continue;
          onTheWay.push({ at: now + 1 + Math.floor(random() * 8), datagram });
        }
      };
      const take = (bytes: Uint8Array, messages: { start: number; sequence: number }[]): void => {
        for (const { start, sequence } of messages) {
          expect((bytes[start + 1]! << 8) | bytes[start + 2]!).toBe(sequence);
          seen.push(sequence);
        }
      };
      let published = 1;
      for (let now = 0; !subscription.ended; now++) {
        expect(now).toBeLessThan(20_000);
        if (published <= last) {
          const count = Math.min(1 + Math.floor(random() * 4), last + 1 - published);
          launch(now, datagramOf(published, count));
          published += count;
        } else {
          launch(now, endAfter(last));
        }
        const arrived = onTheWay.filter(({ at }) => at === now);
        for (const { datagram } of arrived) {
          take(datagram, subscription.receive(datagram, 0, datagram.length));
          const request = subscription.wanted(now);
          if (request !== undefined) {
            const count = Math.min(request.count, 40);
            launch(now, datagramOf(request.sequence, count));
          }
          for (let kept = subscription.next(); kept !== undefined; kept = subscription.next()) {
            take(kept.bytes, kept.messages);
          }
        }
      }
      expect(seen).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      expect(subscription.faults).toBe(0);
      expect(subscription.gaps).toBeGreaterThan(0);
    },
  );

  it('asks once for what is missing, and again when nothing has come for a while', () => {
    const subscription = new MulticastSubscription(SESSION, PATIENCE);
    const later = datagramOf(4, 1);
    subscription.receive(later, 0, later.length);
    expect(subscription.wanted(100)).toEqual({ sequence: 1, count: 3 });
    expect(subscription.wanted(101)).toBeUndefined();
    expect(subscription.wanted(100 + PATIENCE)).toEqual({ sequence: 1, count: 3 });
  });

  it('asks for nothing, and says so of strangers, where nothing is missing', () => {
    const subscription = new MulticastSubscription(SESSION, PATIENCE);
    const first = datagramOf(1, 2);
    subscription.receive(first, 0, first.length);
    subscription.receive(first.slice(0, 10), 0, 10);
    expect(subscription.wanted(0)).toBeUndefined();
    expect(subscription.faults).toBe(1);
  });
});
