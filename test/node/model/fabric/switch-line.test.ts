/**
 * Two switches in a line, built as any topology is: frames find their way, wait at the link between, and tell where
 * they were.
 */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { BatchReader } from '../../../../node/links/batch-reader.js';
import { BatchWriter } from '../../../../node/links/batch-writer.js';
import { lookaheadOf } from '../../../../node/model/fabric/flight-times.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import { Places } from '../../../../node/model/fabric/places.js';
import type { QueuePolicy } from '../../../../node/model/fabric/queue-policy.js';
import { layoutOf } from '../../../../node/model/fabric/topologies.js';
import type { Topology } from '../../../../node/model/fabric/topology.js';
import { Machine } from '../../../../node/process/machine.js';
import type { RunSpec } from '../../../../node/spec/run-spec.js';
import { STAGES, type Core, type Program } from '../../../../node/program/verbs.js';
import { readPcapng } from '../../../../wire/pcapng.js';
import { specOf, type ClusterOptions } from '../../../embedded.js';
import { EVERYTHING, toInit, toRtr, toRts, type QpSettings } from '../rdma/pair.js';
import { switchLine } from './switch-line.js';

const QP: Required<QpSettings> = {
  accessFlags: EVERYTHING,
  pathMtu: 1024,
  timeout: 14,
  retryCnt: 7,
  rnrRetry: 7,
  minRnrTimer: 12,
  maxRdAtomic: 8,
  maxDestRdAtomic: 8,
  sqPsn: 7,
  rqPsn: 7,
};

interface Written {
  readonly from: number;
  readonly until: number;
  /** Of each operation: its latency, its stages' sum, and what it spent in queues of switches. */
  readonly operations: readonly (readonly [latency: number, sum: number, queue: number])[];
}

/**
 * Ranks that lie next to each other are pairs: the even one writes to the odd one, `count` times `size` bytes, one by
 * one.
 */
const writes =
  (size: number, count: number) =>
  async (core: Core): Promise<Written> => {
    const peer = core.rank ^ 1;
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const cq = await context.createCq(64);
    const region = await pd.registerMemory(await core.allocate(1 << 16), EVERYTHING);
    const cap = {
      maxSendWr: 16,
      maxRecvWr: 16,
      maxSendSge: 1,
      maxRecvSge: 1,
      maxInlineData: 0,
    };
    const qp = await pd.createQp({ sendCq: cq, recvCq: cq, cap, sqSigAll: true });
    const { address, rkey } = region;
    await core.tell(peer, { host: core.host, qpNum: qp.qpNum, address, rkey });
    const remote = (await core.hear(peer)) as {
      host: number;
      qpNum: number;
      address: number;
      rkey: typeof rkey;
    };
    await qp.modify(toInit(QP));
    await qp.modify(toRtr(QP, remote));
    await qp.modify(toRts(QP));
    // All begin together, and none leaves before its peer is done.
    const others = Array.from({ length: core.ranks }, (_, rank) => rank);
    for (const rank of others) if (rank !== core.rank) await core.tell(rank, 'ready');
    for (const rank of others) if (rank !== core.rank) await core.hear(rank);
    const from = core.now;
    const operations: [number, number, number][] = [];
    if ((core.rank & 1) === 0) {
      for (let i = 0; i < count; i++) {
        core.beginOperation();
        qp.postSend({
          opcode: 'RDMA_WRITE',
          sges: [region.sge(0, size)],
          remoteAddress: remote.address,
          rkey: remote.rkey,
        });
        const [completion] = await cq.busyPoll(1);
        expect(completion!.status).toBe('SUCCESS');
        const times = core.operationStages();
        operations.push([
          core.now - core.operationStart,
          times.reduce((sum, ps) => sum + ps, 0),
          times[STAGES.indexOf('queue')]!,
        ]);
        core.endOperation();
      }
    }
    const until = core.now;
    await core.tell(peer, 'done');
    await core.hear(peer);
    return { from, until, operations };
  };

interface Run {
  readonly written: readonly Written[];
  readonly digests: readonly string[];
  readonly frames: readonly (readonly { bytes: Uint8Array }[])[];
  readonly counters: Readonly<Record<string, number>>;
  readonly framesLeft: number;
}

interface Traffic extends ClusterOptions {
  readonly size: number;
  readonly count: number;
  /** The hosts of each process. */
  readonly partition?: readonly (readonly number[])[];
}

/** `topology` undefined: the one switch that a run has by default. */
async function run(topology: Topology | undefined, traffic: Traffic): Promise<Run> {
  const hosts = traffic.hosts ?? 4;
  const program = writes(traffic.size, traffic.count) as Program;
  const noise = traffic.noise ?? false;
  const spec: RunSpec = {
    ...(await specOf({ hosts, memory: 1 << 22, cores: 1, ...traffic, noise, program })),
    capture: true,
  };
  const all = spec.local;
  const partition = traffic.partition ?? [all];
  const layout = topology?.build(spec) ?? layoutOf(spec);
  const placement = Int32Array.from(all, (host) =>
    partition.findIndex((its) => its.includes(host)),
  );
  const places = new Places(layout, placement);
  const pieces: Uint8Array[][] = all.map(() => []);
  const posts: Uint8Array[][] = partition.map(() => []);
  const machines: Machine[] = [];
  for (const [process, local] of partition.entries()) {
    const send = (slot: FrameSlot): void => {
      const { pool } = machines[process]!;
      const { element, destination } = pool.frames[slot]!;
      const writer = new BatchWriter(1);
      writer.add(pool, slot);
      pool.release(slot);
      posts[places.processAt(element, destination)!]!.push(
        Uint8Array.of(process, ...writer.finish()),
      );
    };
    const machine = await Machine.create(
      { ...spec, local },
      {
        remote: partition.length > 1 ? { send } : null,
        capture: (host, bytes) => pieces[host]!.push(bytes.slice()),
        ...(topology && { topology }),
        program,
      },
    );
    machines.push(machine);
  }
  const readers = machines.map(
    ({ pool }, process) => new BatchReader(pool, places, process, partition.length, 1),
  );
  const lookahead = lookaheadOf(layout, spec.profile, placement, partition.length);
  let least = Infinity;
  for (const from of machines.keys()) {
    for (const to of machines.keys()) {
      if (from !== to) least = Math.min(least, lookahead.direct(from, to));
    }
  }
  for (;;) {
    const next = Math.min(...machines.map((machine) => machine.next()));
    if (next === Infinity) break;
    const horizon = next + least;
    for (const machine of machines) {
      while ((await machine.advance({ horizon }, 1000)) === 'yield') continue;
      if (machine.failure !== null) throw new Error(machine.failure.stack);
    }
    for (const [process, messages] of posts.entries()) {
      for (const message of messages.splice(0)) {
        const reader = readers[process]!;
        expect(reader.read(message[0]!, message.subarray(1))).toBeUndefined();
        const slot = reader.slots[0]! as FrameSlot;
        expect(machines[process]!.pool.frames[slot]!.time).toBeGreaterThanOrEqual(horizon);
        machines[process]!.deliver(slot);
      }
    }
  }
  const outcomes = machines.map((machine) => machine.outcome());
  const byHost = outcomes.flatMap((outcome) => outcome.hosts).sort((a, b) => a.host - b.host);
  const results = outcomes.flatMap((outcome) => outcome.results).sort((a, b) => a.rank - b.rank);
  const counters: Record<string, number> = {};
  for (const { counters: its } of byHost) {
    for (const [name, count] of Object.entries(its)) counters[name] = (counters[name] ?? 0) + count;
  }
  for (const machine of machines) await machine.close();
  return {
    written: results.map(({ value }) => value as Written),
    digests: byHost.map(({ digest }) => digest),
    frames: pieces.map((each) => Array.from(readPcapng(Buffer.concat(each)))),
    counters,
    framesLeft: machines.reduce((sum, { pool }) => sum + pool.used, 0),
  };
}

const LINE = switchLine(false);

describe('a line of two switches', () => {
  it('adds one cable and one switch to each way, where nothing else is about', async () => {
    const traffic = { hosts: 2, size: 8, count: 3 };
    const { link, switch: device } = loadProfile('roce-100g', []);
    const [one, two] = [await run(undefined, traffic), await run(LINE, traffic)];
    const further = link.propagation + link.fec + device.latency.ps;
    const latencies = (each: Run): number[] => each.written[0]!.operations.map(([time]) => time);
    expect(latencies(two)).toEqual(latencies(one).map((time) => time + 2 * further));
  });

  it('has frames wait for the one link between, and stages say so and sum to the latency', async () => {
    const traffic = { size: 32_768, count: 8 };
    const [alone, star, line] = [
      await run(LINE, { ...traffic, hosts: 2 }),
      await run(undefined, traffic),
      await run(LINE, traffic),
    ];
    const took = ({ written }: Run): number[] =>
      written.filter((_, rank) => (rank & 1) === 0).map(({ from, until }) => until - from);
    const queued = ({ written }: Run): number =>
      written.reduce(
        (sum, { operations }) => sum + operations.reduce((its, [, , queue]) => its + queue, 0),
        0,
      );
    // Through one switch the two pairs share nothing.
    expect(took(star)[0]).toBeLessThan(took(alone)[0]!);
    expect(queued(star)).toBe(0);
    expect(queued(alone)).toBe(0);
    // A write of 32 packets takes both pairs' time on the shared link, after which either has it for itself.
    const { rate, framing } = loadProfile('roce-100g', []).link;
    const theirs = 32 * (1024 + 58 + framing) * rate;
    for (const time of took(line)) expect(time).toBeGreaterThan(took(alone)[0]! + 6 * theirs);
    expect(queued(line)).toBeGreaterThan(8 * theirs);
    for (const { operations } of [...line.written, ...alone.written]) {
      for (const [latency, sum] of operations) expect(sum).toBe(latency);
    }
    for (const each of [alone, star, line]) expect(each.framesLeft).toBe(0);
  });

  it('is captured like any other: every packet is sent once and received once', async () => {
    const { frames, counters } = await run(LINE, { size: 4096, count: 5 });
    const hex = (host: number): string[] =>
      frames[host]!.map(({ bytes }) => Buffer.from(bytes).toString('hex')).sort();
    expect(frames[0]!.length).toBeGreaterThan(20);
    expect(hex(1)).toEqual(hex(0));
    expect(hex(3)).toEqual(hex(2));
    expect(counters['rx_packets']).toBe(counters['tx_packets']);
    expect(frames.flat()).toHaveLength(2 * counters['tx_packets']!);
  });

  it.each([
    ['ports evaluated beside their hosts', false],
    ['each switch in one process', true],
  ])('gives the same over two, three and four processes as in one, with %s', async (_, shared) => {
    const line = switchLine(shared);
    const traffic = { size: 8192, count: 4, noise: true, faults: { loss: 0.02 } };
    const one = await run(line, traffic);
    expect(one.counters['retransmitted_packets']).toBeGreaterThan(0);
    for (const partition of [
      [
        [0, 1],
        [2, 3],
      ],
      [
        [0, 2],
        [1, 3],
      ],
      [[3], [0, 2], [1]],
      [[0], [1], [2], [3]],
    ]) {
      expect(await run(line, { ...traffic, partition })).toEqual(one);
    }
  });

  it('asks its policy about every frame that would wait, and loses what it refuses', async () => {
    const asked: number[] = [];
    const refuseThird: QueuePolicy = {
      admits: (_slot, port, waiting) => {
        expect([port, waiting > 0]).toEqual([1, true]);
        asked.push(waiting);
        return asked.length !== 3;
      },
    };
    const { counters, framesLeft } = await run(
      switchLine(true, () => refuseThird),
      { size: 32_768, count: 2 },
    );
    expect(asked.length).toBeGreaterThan(30);
    expect(counters['retransmitted_packets']).toBeGreaterThan(0);
    expect(framesLeft).toBe(0);
  });
});
