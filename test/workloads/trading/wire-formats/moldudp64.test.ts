import { describe, expect, it } from 'vitest';
import { MoldReceiver } from '../../../../workloads/trading/feed/mold-receiver.js';
import {
  emitMoldHeader,
  END_OF_SESSION,
  MoldPacker,
  parseMoldHeader,
} from '../../../../workloads/trading/wire-formats/moldudp64.js';
import { seeded } from './messages.js';

const SESSION = 'PINWIRE001';

/** Message number n is n in 4 bytes and then n % 40 more bytes. */
function messageOf(sequence: number): Uint8Array {
  const bytes = new Uint8Array(4 + (sequence % 40)).fill(0x2e);
  new DataView(bytes.buffer).setUint32(0, sequence);
  return bytes;
}

/** Datagrams of messages `first` to `last`. */
function datagrams(first: number, last: number, bytes: number): Uint8Array[] {
  const packer = new MoldPacker(SESSION, bytes, first);
  const all: Uint8Array[] = [];
  for (let sequence = first; sequence <= last; sequence++) {
    const message = messageOf(sequence);
    if (!packer.fits(message.length)) all.push(packer.datagram.slice(0, packer.finish()));
    packer.add(message, 0, message.length);
  }
  all.push(packer.datagram.slice(0, packer.finish()));
  return all;
}

function receiver(expected = 1): [MoldReceiver, number[]] {
  const taken: number[] = [];
  const mold = new MoldReceiver(
    SESSION,
    (bytes, start, end, sequence) => {
      expect(Buffer.compare(bytes.subarray(start, end), messageOf(sequence))).toBe(0);
      taken.push(sequence);
    },
    expected,
  );
  return [mold, taken];
}

const receive = (mold: MoldReceiver, datagram: Uint8Array): string =>
  mold.receive(datagram, 0, datagram.length);
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('MoldUDP64 datagrams', () => {
  it('are laid out as the specification has them', () => {
    const packer = new MoldPacker('S', 100, 2 ** 32 + 5);
    packer.add(Uint8Array.of(9, 1, 2, 3, 9), 1, 4);
    packer.add(Uint8Array.of(7), 0, 1);
    expect(packer.packed).toBe(2);
    const length = packer.finish();
    expect(Buffer.from(packer.datagram.subarray(0, length)).toString('hex')).toBe(
      '53202020202020202020' + '0000000100000005' + '0002' + '0003010203' + '000107',
    );
    expect(packer.sequence).toBe(2 ** 32 + 7);
    const heartbeat = packer.datagram.slice(0, packer.heartbeat());
    expect(parseMoldHeader(heartbeat, 0, 20)).toEqual({
      session: 'S',
      sequence: 2 ** 32 + 7,
      count: 0,
    });
    expect(heartbeat).toHaveLength(20);
    const end = packer.datagram.slice(0, packer.endOfSession());
    expect(parseMoldHeader(end, 0, 20)?.count).toBe(END_OF_SESSION);
  });

  it('hold as many messages as fit and not one more', () => {
    for (const bytes of [66, 200, 1_024]) {
      const all = datagrams(1, 500, bytes);
      all.forEach((datagram, index) => {
        expect(datagram.length).toBeLessThanOrEqual(bytes);
        const next = all[index + 1];
        if (next === undefined) return;
        const first = parseMoldHeader(next, 0, next.length)!.sequence;
        expect(datagram.length + 2 + messageOf(first).length).toBeGreaterThan(bytes);
      });
    }
  });

  it('refuse a message that fits in none, and a heartbeat over packed messages', () => {
    const packer = new MoldPacker(SESSION, 64);
    expect(() => packer.fits(43)).toThrow(RangeError);
    expect(packer.fits(42)).toBe(true);
    packer.add(new Uint8Array(4), 0, 4);
    expect(() => packer.heartbeat()).toThrow(RangeError);
  });

  it('have the same header when they ask for what was lost', () => {
    const into = new Uint8Array(24).fill(0xa5);
    const request = { session: SESSION, sequence: 12, count: 3 };
    expect(emitMoldHeader(request, into, 2)).toBe(20);
    expect(parseMoldHeader(into, 2, 22)).toEqual(request);
    expect([into[1], into[22]]).toEqual([0xa5, 0xa5]);
  });
});

describe('a MoldUDP64 receiver', () => {
  it('takes every message once, whichever of two copies comes first', () => {
    const random = seeded(5);
    for (let round = 0; round < 20; round++) {
      const [mold, taken] = receiver();
      // Two publishers cut the same messages differently, so that their datagrams overlap.
      const feeds = [datagrams(1, 400, 150), datagrams(1, 400, 333)];
      const next = [0, 0];
      while (taken.length < 400) {
        const side = random() < 0.5 ? 0 : 1;
        const datagram = feeds[side]![next[side]!];
        if (datagram === undefined) continue;
        if (receive(mold, datagram) !== 'gap') next[side]!++;
      }
      expect(taken).toEqual(range(1, 400));
      expect(mold.lost).toBe(0);
      expect(mold.counts.duplicate).toBeGreaterThan(0);
    }
  });

  it('sees a gap, takes nothing behind it, and goes on when it is filled', () => {
    const [one, two, three] = datagrams(1, 40, 200) as [Uint8Array, Uint8Array, Uint8Array];
    const [mold, taken] = receiver();
    expect(receive(mold, one)).toBe('taken');
    const reached = mold.expected;
    expect(receive(mold, three)).toBe('gap');
    expect(mold.expected).toBe(reached);
    expect(mold.missing).toBe(parseMoldHeader(three, 0, 20)!.sequence - reached);
    expect(receive(mold, two)).toBe('taken');
    expect(mold.missing).toBe(0);
    expect(receive(mold, three)).toBe('taken');
    expect(taken).toEqual(range(1, mold.expected - 1));
  });

  it('gives up what is missing when told to', () => {
    const all = datagrams(1, 40, 200);
    const [mold, taken] = receiver();
    receive(mold, all[0]!);
    const before = taken.length;
    expect(receive(mold, all[2]!)).toBe('gap');
    mold.skip();
    expect(receive(mold, all[2]!)).toBe('taken');
    expect(receive(mold, all[1]!)).toBe('duplicate');
    expect(mold.lost).toBe(parseMoldHeader(all[1]!, 0, 20)!.count);
    expect(taken[before]).toBe(parseMoldHeader(all[2]!, 0, 20)!.sequence);
  });

  it('learns of a gap from a heartbeat and from the end', () => {
    const packer = new MoldPacker(SESSION, 100, 4);
    const heartbeat = packer.datagram.slice(0, packer.heartbeat());
    const end = packer.datagram.slice(0, packer.endOfSession());
    const [mold] = receiver();
    expect(receive(mold, heartbeat)).toBe('gap');
    expect(mold.missing).toBe(3);
    expect(receive(mold, end)).toBe('gap');
    mold.skip();
    expect(receive(mold, heartbeat)).toBe('heartbeat');
    expect(receive(mold, end)).toBe('end');
    expect(mold.counts).toMatchObject({ gap: 2, heartbeat: 1, end: 1 });
  });

  it('leaves alone what is of another session, cut, or longer than it says', () => {
    const [datagram] = datagrams(1, 5, 300);
    for (let end = 0; end < datagram!.length; end++) {
      const [mold, taken] = receiver();
      expect(mold.receive(datagram!, 0, end)).toBe('malformed');
      expect(taken).toEqual([]);
    }
    const [mold, taken] = receiver();
    expect(receive(mold, Uint8Array.from([...datagram!, 0]))).toBe('malformed');
    const foreign = datagram!.slice();
    foreign[0] = 0x51;
    expect(receive(mold, foreign)).toBe('foreign');
    expect(taken).toEqual([]);
    expect(receive(mold, datagram!)).toBe('taken');
  });
});
