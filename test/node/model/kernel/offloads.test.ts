/** TSO and GRO: what a burst costs both its sides, what TCP sees of it, and that nothing else changes. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { MergedFrames } from '../../../../node/model/kernel/merged-frames.js';
import { FramePool } from '../../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import { openNetwork } from '../../../../node/program/sockets.js';
import type { Core, Picoseconds } from '../../../../node/program/verbs.js';
import { PS_PER_MS } from '../../../../units/time.js';
import { completeChecksums } from '../../../../wire/checksums.js';
import paths from '../../../../workloads/host/paths.js';
import type { Parameters } from '../../../../workloads/authoring/workload.js';
import { runEmbedded, type ClusterOptions, type EmbeddedRun } from '../../../embedded.js';
import { measured, type Figures } from '../../../fidelity/measured.js';
import { pattern, readAll, readSegment, WirePair, type SentFrame } from '../net/wire-pair.js';

const MSS = 1448;
const OFF = ['kernel.offloads=off'];
const HASH = 0x1234;

const path = (params: Parameters, bed: ClusterOptions = {}): Promise<Figures> =>
  measured(paths, { path: 'kernel', ...params }, { noise: false, ...bed });

/** Frames in a pool, as they lie after the NIC has written them. */
class Frames {
  readonly pool = new FramePool(1024, 64, 1500);
  readonly held = new MergedFrames(this.pool);

  put(bytes: Uint8Array): FrameSlot {
    const slot = this.pool.allocateFrame(bytes.length);
    this.pool.bytes.set(bytes, this.pool.frames[slot]!.start);
    return slot;
  }

  /** How many of them become one, from the first on. */
  merge(frames: readonly Uint8Array[]): number {
    let count = 0;
    for (const bytes of frames) {
      const slot = this.put(bytes);
      if (!(count === 0 ? this.held.begin(slot, HASH) : this.held.append(slot))) break;
      count++;
    }
    return count;
  }
}

/** What a connection sends of `length` bytes, from a stack that lets nothing through any more. */
function burst(length: number, vlan?: number): { pair: WirePair; frames: Uint8Array[] } {
  const pair = new WirePair(1, vlan === undefined ? {} : { vlan });
  const { client } = pair.connection();
  pair.run(pair.now + PS_PER_MS);
  const before = pair.sent.length;
  pair.filter = () => false;
  client.send(pattern(length), 0, length, pair.now);
  return { pair, frames: pair.sent.slice(before).map(({ bytes }) => bytes) };
}

/** The same frame with one byte of it changed, counted from the IP header, and right checksums. */
function changed(frame: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = frame.slice();
  copy[14 + at]! ^= bits;
  completeChecksums(copy, new DataView(copy.buffer), 0, copy.length);
  return copy;
}

describe('frames that a poll takes one after the other', () => {
  it.each([undefined, 7])(
    'become one segment with all their bytes, to the one that says PSH (VLAN %s)',
    (vlan) => {
      const { frames } = burst(5 * MSS - 100, vlan);
      const all = new Frames();
      expect(all.merge([...frames, frames[0]!])).toBe(5);
      expect(all.held.isComplete).toBe(true);
      expect(all.held.segment).toBe(MSS);
      // The last, and the one that begins anew.
      expect(all.pool.used).toBe(2);
      if (vlan !== undefined) return;
      const bytes = all.held.bytes.slice(0, all.held.length);
      const whole = readSegment({ bytes } as SentFrame);
      expect(whole.payload).toEqual(pattern(5 * MSS - 100));
      expect(whole.flags).toBe('PSH ACK');
    },
  );

  it.each<[string, number, number]>([
    ['another type of service', 1, 4],
    ['another source', 15, 1],
    ['another port', 20, 1],
    ['a hole before it', 27, 1],
    ['another acknowledgment', 31, 1],
    ['SYN', 33, 2],
    ['RST', 33, 4],
    ['URG', 33, 32],
    ['CWR', 33, 128],
    ['another window', 35, 1],
    ['another timestamp', 47, 1],
    ['a fragment behind it', 6, 0x20],
    ['another protocol', 9, 1],
  ])('stay apart where the second has %s', (_what, at, bits) => {
    const { frames } = burst(3 * MSS);
    expect(new Frames().merge(frames.slice(0, 2))).toBe(2);
    expect(new Frames().merge([frames[0]!, changed(frames[1]!, at, bits)])).toBe(1);
  });

  it('stay apart where one may be damaged, has no data, or is alone in its send', () => {
    const { frames, pair } = burst(3 * MSS);
    const frame = new Frames();
    const slot = frame.put(frames[0]!);
    frame.pool.frames[slot]!.suspect = true;
    expect(frame.held.begin(slot, HASH)).toBe(false);
    const ack = pair.sent.find(({ bytes }) => readSegment({ bytes } as SentFrame).flags === 'ACK');
    expect(new Frames().merge([ack!.bytes])).toBe(0);
    expect(new Frames().merge(burst(MSS).frames)).toBe(0);
    expect(new Frames().merge(burst(16).frames)).toBe(0);
  });

  it('are no more than an IP packet holds', () => {
    const { frames } = burst(2 * MSS);
    const frame = new Frames();
    const many = Array.from({ length: 50 }, (_, i) => {
      const copy = frames[0]!.slice();
      const view = new DataView(copy.buffer);
      view.setInt32(38, (view.getInt32(38) + i * MSS) | 0);
      return copy;
    });
    expect(frame.merge(many)).toBe(45);
    expect(frame.held.length).toBeLessThanOrEqual(14 + 0xffff);
  });
});

describe('TCP', () => {
  const deliver = ({ pair, frames }: ReturnType<typeof burst>): Frames => {
    const all = new Frames();
    expect(all.merge(frames)).toBe(frames.length);
    const { bytes, view, length, segment } = all.held;
    pair.stacks[1].input(bytes, view, 0, length, pair.now, false, segment);
    return all;
  };

  it('sees one segment: it tells its reader once, and acknowledges it once', () => {
    const sent = burst(9 * MSS);
    const { pair } = sent;
    let told = 0;
    let got: Uint8Array | undefined;
    pair.onReadable = (_side, socket) => {
      told++;
      if (socket.kind === 'tcp') got = readAll(socket, pair.now);
    };
    const { counters } = pair.stacks[1];
    const [acks, segments] = [counters.tcp_pure_acks, counters.tcp_in_segments];
    deliver(sent);
    expect(told).toBe(1);
    expect(got).toEqual(pattern(9 * MSS));
    expect(counters.tcp_pure_acks - acks).toBe(1);
    expect(counters.tcp_in_segments - segments).toBe(9);
  });

  it('still takes a full segment to be what each of them was', () => {
    const sent = burst(9 * MSS);
    const { pair } = sent;
    deliver(sent);
    const socket = pair.stacks[1].socket(2) ?? pair.stacks[1].socket(1)!;
    expect(socket.kind === 'tcp' && socket.receiver.acks.segmentSize).toBe(MSS);
  });
});

describe('a message of several segments', () => {
  const { kernel } = loadProfile('roce-100g', []);
  /** Several segments are acknowledged at once: before their reader is notified, and before the answer comes. */
  const IN = kernel.stackIn.ps + kernel.tcpIn.ps;
  const OUT = kernel.stackOut.ps + kernel.tcpOut.ps;

  it.each([1, 2, 3, 6])(
    'of %i pays the stack once on each side, and for each further one what TSO and GRO take',
    async (n) => {
      const overrides = ['kernel.tso_segment=7ns', 'kernel.gro_frame=50ns'];
      const { stages } = await path({ size: String(n * MSS) }, { overrides });
      const further = n - 1;
      const isAcknowledged = n > 1 ? 1 : 0;
      expect(stages['stack']! * 1e3).toBe(IN + OUT + isAcknowledged * OUT + further * 7e3);
      expect((stages['softirq'] ?? 0) * 1e3).toBe(isAcknowledged * IN + further * 50e3);
    },
  );
});

describe('without offloads', () => {
  it.each(['kernel', 'busy-poll'])(
    'messages of one segment take exactly as long, with noise: %s',
    async (each) => {
      for (const size of [16, 1024]) {
        const params = { size: String(size), path: each };
        const on = await path(params, { noise: true });
        const off = await path(params, { noise: true, overrides: OFF });
        expect(off.summary).toEqual(on.summary);
      }
    },
  );

  it('datagrams take exactly as long', async () => {
    const params = { size: '1024', protocol: 'udp' };
    const on = await path(params, { noise: true });
    const off = await path(params, { noise: true, overrides: OFF });
    expect(off.summary).toEqual(on.summary);
  });
});

const TOTAL = 4_000_000;

/** One connection carries 4 MB; what the receiver's core read of them, and Gb/s from connection to end. */
async function bulk(options: ClusterOptions): Promise<{ run: EmbeddedRun; rate: number }> {
  const bytes = pattern(100_000);
  const run = await runEmbedded({
    noise: false,
    ...options,
    program: async (core: Core) => {
      const network = await openNetwork(core);
      const memory = await core.allocate(1 << 20);
      if (core.rank === 0) {
        await core.write(memory.address, bytes);
        await core.sleep(PS_PER_MS as Picoseconds);
        const socket = await network.connect({ host: 1, port: 5000 });
        for (let i = 0; i < TOTAL; i += bytes.length) {
          await socket.send(memory.address, bytes.length);
        }
        await socket.close();
        return undefined;
      }
      const socket = await (await network.listen(5000)).accept();
      const start = core.now;
      let [got, wrong, end] = [0, 0, 0];
      for (;;) {
        const length = await socket.receive(memory.address, 1 << 20);
        if (length === 0) break;
        end = core.now;
        const read = await core.read(memory.address, length);
        for (let i = 0; i < length; i++) if (read[i] !== bytes[(got + i) % bytes.length]) wrong++;
        got += length;
      }
      await socket.close();
      return { got, wrong, rate: (8e3 * TOTAL) / (end - start) };
    },
  });
  expect(run.failure).toBeNull();
  const { got, wrong, rate } = run.values[1] as { got: number; wrong: number; rate: number };
  expect([got, wrong]).toEqual([TOTAL, 0]);
  expect(run.left.frames).toBe(0);
  return { run, rate };
}

describe('a stream of bytes', () => {
  it('goes several times as fast, with far fewer acknowledgments', async () => {
    const on = await bulk({});
    const off = await bulk({ overrides: OFF });
    expect(on.rate).toBeGreaterThan(2 * off.rate);
    const acks = ({ run }: typeof on): number => run.counters['host1']!['tcp_pure_acks']!;
    const segments = TOTAL / MSS;
    expect(acks(off)).toBeGreaterThan(segments / 3);
    expect(acks(on)).toBeLessThan(segments / 8);
  });

  it.each([
    [1, []],
    [2, []],
    [3, []],
    [1, OFF],
  ])(
    'arrives whole over a fabric that loses, doubles, damages and delays: seed %i %s',
    async (seed, overrides) => {
      const faults = { loss: 0.002, duplicate: 0.002, icrc: 0.002, delayed: 0.005, delay: 30e6 };
      const { run } = await bulk({ faults, seed, overrides });
      expect(run.blocked).toEqual([]);
      expect(run.counters['host1']!['tcp_out_of_order_segments']).toBeGreaterThan(0);
    },
  );

  it('is the same again for the same seed', async () => {
    const faults = { loss: 0.002 };
    const [first, second] = [
      await bulk({ faults, noise: true }),
      await bulk({ faults, noise: true }),
    ];
    expect(second.run.traceHash).toBe(first.run.traceHash);
    expect(second.run.lastEvent).toBe(first.run.lastEvent);
  });
});
