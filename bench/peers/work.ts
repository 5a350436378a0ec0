/** The works that pinwire and a peer both do. */
import { fileURLToPath } from 'node:url';
import { NS3 } from './ns3.js';
import type { PeerProgram } from './peer.js';
import { SMPI } from './smpi.js';

/** Runs of two lengths, in iterations. */
export interface Lengths {
  readonly short: number;
  readonly long: number;
}

export interface Work {
  /** As `--only` and the JSON have it. */
  readonly name: string;
  /** As the table has it. */
  readonly what: string;
  /** `pinwire run` with these arguments, and `--set iterations=N`. */
  readonly argv: readonly string[];
  readonly program: PeerProgram;
  /** Units of work (packets, messages, operations) in an iteration of pinwire's workload. */
  readonly unitsPerIteration: number;
  /** Undefined: start-up, one run of one iteration. */
  readonly lengths: { readonly pinwire: Lengths; readonly peer: Lengths } | undefined;
}

const BENCH_PROGRAMS = fileURLToPath(new URL('../programs.js', import.meta.url));

/** 4096 B each, the MTU of all runs. */
const PACKETS_OF_64_KIB = 16;

const PACKETS: PeerProgram = {
  peer: NS3,
  source: 'ns3/packets.cc',
  ranks: 0,
  unitsPerIteration: 1,
  // 4098 B at 100 Gb/s take 327.84 ns; a lone packet takes two of these and both links.
  plausible: { least: 327.8, most: 2000 },
};

const DATAGRAMS: PeerProgram = {
  peer: NS3,
  source: 'ns3/datagrams.cc',
  ranks: 0,
  unitsPerIteration: 1,
  // 94 B at 100 Gb/s take 7.52 ns.
  plausible: { least: 7.5, most: 200 },
};

const PING_PONG: PeerProgram = {
  peer: SMPI,
  source: 'smpi/ping-pong.c',
  ranks: 2,
  unitsPerIteration: 2,
  // Two links of 500 ns, and at most a few of their latencies for what SMPI adds.
  plausible: { least: 1000, most: 5000 },
};

const ALLREDUCE: PeerProgram = {
  peer: SMPI,
  source: 'smpi/allreduce.c',
  ranks: 64,
  unitsPerIteration: 1,
  // Nobody knows the sum before a message has gone up and one has come down.
  plausible: { least: 2000, most: 100_000 },
};

const pingPong = ['micro/send-lat', '--set', 'size=64'];

export const WORKS: readonly Work[] = [
  {
    name: 'write-64KiB',
    what: 'RDMA WRITEs of 64 KiB, per packet of 4096 B',
    argv: ['micro/write-bw', '--set', 'size=64KiB'],
    program: PACKETS,
    unitsPerIteration: PACKETS_OF_64_KIB,
    lengths: {
      pinwire: { short: 10_000, long: 50_000 },
      peer: { short: 200_000, long: 1_200_000 },
    },
  },
  {
    name: 'write-4KiB',
    what: 'RDMA WRITEs of 4 KiB, with WQE, ACK and CQE each',
    argv: ['micro/write-bw', '--set', 'size=4KiB'],
    program: PACKETS,
    unitsPerIteration: 1,
    lengths: {
      pinwire: { short: 80_000, long: 400_000 },
      peer: { short: 200_000, long: 1_200_000 },
    },
  },
  {
    name: 'ping-pong-64B',
    what: 'ping-pong of 64 B by SEND, per message',
    argv: pingPong,
    program: PING_PONG,
    unitsPerIteration: 2,
    lengths: {
      pinwire: { short: 25_000, long: 125_000 },
      peer: { short: 25_000, long: 175_000 },
    },
  },
  {
    name: 'allreduce-8B-64',
    what: 'allreduce of 8 B on 64 ranks, per operation',
    argv: ['hpc/allreduce', '--hosts', '64', '--set', 'size=8', '--set', 'path=rdma'],
    program: ALLREDUCE,
    unitsPerIteration: 1,
    lengths: { pinwire: { short: 40, long: 200 }, peer: { short: 300, long: 2_000 } },
  },
  {
    name: 'datagrams-64B',
    what: 'UDP datagrams of 64 B through both kernels',
    argv: [BENCH_PROGRAMS, ...set({ kind: 'datagrams', size: 64, outstanding: 128 })],
    program: DATAGRAMS,
    unitsPerIteration: 1,
    lengths: {
      pinwire: { short: 80_000, long: 400_000 },
      peer: { short: 80_000, long: 400_000 },
    },
  },
  {
    name: 'start-up',
    what: 'a run of one message, CPU time as a whole',
    argv: pingPong,
    program: PACKETS,
    unitsPerIteration: 2,
    lengths: undefined,
  },
  {
    name: 'start-up',
    what: 'a run of one message, CPU time as a whole',
    argv: pingPong,
    program: PING_PONG,
    unitsPerIteration: 2,
    lengths: undefined,
  },
];

function set(params: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(params).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
}
