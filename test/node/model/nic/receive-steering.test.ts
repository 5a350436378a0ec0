/** Where a received frame goes: rule, hash, turn or learned queue. */
import { describe, expect, it } from 'vitest';
import { DROP_TARGET, RAW_TARGET } from '../../../../node/model/nic/flow-table.js';
import { ReceiveSteering, type SteeringMode } from '../../../../node/model/nic/receive-steering.js';
import { MICROSOFT_KEY, SYMMETRIC_KEY, Toeplitz } from '../../../../node/model/nic/toeplitz.js';
import { RandomStream } from '../../../../sim/random.js';
import { ROCE_PORT } from '../../../../wire/udp.js';
import { frameOf, type Headers } from './headers-of-a-frame.js';

const steering = (mode: SteeringMode, queues = 8): ReceiveSteering =>
  new ReceiveSteering({ mode, queues, rules: 16, learned: 16, idle: 1e9 });

function steer(by: ReceiveSteering, headers: Headers, now = 0): number {
  const { view, length } = frameOf(headers, 6);
  return by.steer(view, 6, length, now);
}

/** The first flow of Microsoft's suite: 66.9.149.187:2794 to 161.142.100.80:1766. */
const FLOW = {
  source: 0x420995bb,
  destination: 0xa18e6450,
  sourcePort: 2794,
  destinationPort: 1766,
} as const;
const WITH_PORTS = 0x51ccc178;
const ADDRESSES = 0x323e8fc2;

describe('the hash of a frame', () => {
  const rss = steering('rss');
  const hashOf = (headers: Headers): number => {
    steer(rss, headers);
    return rss.hash;
  };

  it('covers the ports of TCP and UDP, behind a tag and behind options too', () => {
    for (const protocol of [6, 17]) {
      expect(hashOf({ ...FLOW, protocol })).toBe(WITH_PORTS);
      expect(hashOf({ ...FLOW, protocol, vlan: 7 })).toBe(WITH_PORTS);
      expect(hashOf({ ...FLOW, protocol, options: 3 })).toBe(WITH_PORTS);
    }
  });

  it('covers addresses alone for fragments, the first among them, and for other protocols', () => {
    expect(hashOf({ ...FLOW, fragment: 0x2000 })).toBe(ADDRESSES);
    expect(hashOf({ ...FLOW, fragment: 0x0010 })).toBe(ADDRESSES);
    expect(hashOf({ ...FLOW, protocol: 1 })).toBe(ADDRESSES);
  });

  it('knows IPv6', () => {
    const { view, length } = frameOf({ ...FLOW, version: 6 });
    const toeplitz = new Toeplitz(MICROSOFT_KEY);
    rss.steer(view, 0, length, 0);
    expect(rss.hash).toBe(toeplitz.hash(view, 22, 32, 54));
    expect(hashOf({ ...FLOW, version: 6, protocol: 58 })).toBe(toeplitz.hash(view, 22, 32, -1));
  });

  it('is 0, and the queue 0, for what is no IP or not all there', () => {
    const whole = frameOf(FLOW);
    for (let length = 0; length < 34; length++) {
      expect(rss.steer(whole.view, 0, length, 0)).toBe(0);
      expect(rss.hash).toBe(0);
    }
    // The address is there, the ports are not.
    expect(rss.steer(whole.view, 0, 37, 0)).toBe(ADDRESSES % 8);
    const arp = frameOf(FLOW);
    arp.view.setUint16(12, 0x0806);
    expect(rss.steer(arp.view, 0, 42, 0)).toBe(0);
    const shortHeader = frameOf(FLOW);
    shortHeader.view.setUint8(14, 0x44);
    expect(rss.steer(shortHeader.view, 0, 42, 0)).toBe(0);
  });

  it('never reads beyond the frame, whatever its bytes say', () => {
    const random = new RandomStream(5, 'frames');
    for (let i = 0; i < 3000; i++) {
      const bytes = Uint8Array.from({ length: random.below(70) }, () => random.below(256));
      if (bytes.length > 14) {
        bytes.set(
          [
            [0x08, 0x00],
            [0x86, 0xdd],
            [0x81, 0x00],
          ][random.below(3)]!,
          12,
        );
        bytes[14] = [0x45, 0x4f, 0x60, 0x00][random.below(4)]!;
      }
      const view = new DataView(bytes.buffer, 0, bytes.length);
      expect(rss.steer(view, 0, bytes.length, 0)).toBeLessThan(8);
    }
  });
});

describe('steering', () => {
  it('sends everything to queue 0 in single mode', () => {
    const single = steering('single');
    for (let n = 0; n < 50; n++) expect(steer(single, { source: n })).toBe(0);
    expect(single.frames).toEqual([50, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('sends a flow to one queue, and flows to all of them, in rss mode', () => {
    const rss = steering('rss');
    expect(steer(rss, FLOW)).toBe(0x78 % 8);
    for (let n = 0; n < 4000; n++) {
      const flow = { source: 0x0a000000 + (n % 1000), sourcePort: 1024 + (n % 1000) };
      expect(steer(rss, flow)).toBe(rss.table.queueOf(rss.hash));
    }
    for (const frames of rss.frames) expect(Math.abs(frames - 500)).toBeLessThan(150);
  });

  it('sends queue pairs of RoCEv2 apart by their UDP source ports', () => {
    const rss = steering('rss');
    const queues = new Set<number>();
    for (let port = 0xc000; port < 0xc040; port++) {
      const pair = { sourcePort: port, destinationPort: ROCE_PORT };
      queues.add(steer(rss, pair));
      expect(queues.has(steer(rss, pair))).toBe(true);
    }
    expect(queues.size).toBe(8);
  });

  it('takes the queues in turn in spray mode, the frames of one flow too', () => {
    const spray = steering('spray', 3);
    expect(Array.from({ length: 7 }, () => steer(spray, FLOW))).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(spray.frames).toEqual([3, 2, 2]);
  });

  it('follows what the kernel names in rfs mode, and the table until then', () => {
    const rfs = steering('rfs');
    const tcp = { ...FLOW, protocol: 6 };
    expect(steer(rfs, tcp)).toBe(0);
    rfs.learned.learn(rfs.flow, 5, 0);
    expect(steer(rfs, tcp, 10)).toBe(5);
    expect(steer(rfs, { ...tcp, sourcePort: 2795 })).not.toBe(5);
    // Idle for a millisecond, and unknown again.
    expect(steer(rfs, tcp, 1e9 + 11)).toBe(0);
    rfs.learned.learn(tcp, 5, 2e9);
    rfs.setQueues(4);
    expect(steer(rfs, tcp, 2e9)).toBe(0);
  });

  it('asks the rules first in every mode', () => {
    for (const mode of ['single', 'rss', 'spray', 'rfs'] as const) {
      const by = steering(mode);
      by.learned.learn({ ...FLOW, protocol: 17 }, 1, 0);
      expect(by.addRule({ protocol: 17, destinationPort: 1766 }, 6)).toBe(15);
      expect(by.addRule({ protocol: 17, destinationPort: 1767 }, RAW_TARGET + 3)).toBe(14);
      expect(by.addRule({ vlan: 9 }, DROP_TARGET)).toBe(13);
      expect(steer(by, FLOW)).toBe(6);
      expect(steer(by, { ...FLOW, destinationPort: 1767 })).toBe(RAW_TARGET + 3);
      expect(steer(by, { ...FLOW, vlan: 9 })).toBe(DROP_TARGET);
      expect(by.frames).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
      expect([by.rawFrames, by.dropped]).toEqual([1, 1]);
    }
  });

  it('sends both directions of a flow to one queue under the symmetric key', () => {
    const rss = steering('rss');
    expect(rss.setKey(SYMMETRIC_KEY)).toBeNull();
    const back = {
      source: FLOW.destination,
      destination: FLOW.source,
      sourcePort: FLOW.destinationPort,
      destinationPort: FLOW.sourcePort,
    };
    expect(steer(rss, FLOW)).toBe(steer(rss, back));
    expect(rss.hash).toBe(0x9fcc9fcc);
    expect(rss.setKey([1, 2, 3])?.errno).toBe('EINVAL');
    expect(rss.key).toEqual(SYMMETRIC_KEY);
  });

  it('keeps queues that rules and tables name', () => {
    const rss = steering('rss');
    expect(rss.addRule({ vlan: 1 }, 8)).toMatchObject({ errno: 'EINVAL' });
    rss.addRule({ vlan: 1 }, 7);
    expect(rss.setQueues(4)?.message).toMatch(/existing ntuple filter settings/);
    rss.rules.delete(15);
    rss.table.equal(8);
    expect(rss.setQueues(4)?.message).toMatch(/existing indirection table settings/);
    rss.table.reset();
    expect(rss.setQueues(4)).toBeNull();
    for (let n = 0; n < 50; n++) expect(steer(rss, { source: n })).toBeLessThan(4);
    expect(rss.setQueues(12)).toBeNull();
    expect(rss.frames).toHaveLength(12);
  });
});
