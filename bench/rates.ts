/**
 * `npm run bench` without options: how fast the emulator is. Every figure is the median of three runs on this machine,
 * now; the peers' figures beside it were measured on a machine of the same kind (two cores), so read ratios, not
 * absolute numbers.
 */
import { runEmbeddedBench } from './embedded.js';
import { runProcessBench } from './process.js';
import { steeringRate } from './steering.js';

const RUNS = 3;

interface Row {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly bar: string;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function median(measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < RUNS; i++) values.push(await measure());
  return values.sort((a, b) => a - b)[RUNS >> 1]!;
}

function show({ what, measured, unit, bar }: Row): void {
  const value =
    measured >= 1000 ? Math.round(measured).toLocaleString('en') : measured.toPrecision(3);
  print(`${what.padEnd(66)} ${value.padStart(10)} ${unit.padEnd(12)} ${bar}`);
}

/** Long enough that compiling the code is not what is timed. */
const STREAMED = 16_384;
const PACKETS = 1_000_000;
const PACKET = 4096;
const PING_PONGS = 100_000;
const FRAMES = 409_600;

async function embedded(): Promise<void> {
  print('Embedded, virtual clock, noise on');
  // 1 MiB messages of 256 packets: 1e6 packets of 4096 B, payload copied out of memory and in again.
  const messages = Math.ceil(PACKETS / 256);
  const packets = await median(async () => {
    const timing = await runEmbeddedBench({
      kind: 'stream',
      size: 256 * PACKET,
      iterations: messages,
      outstanding: 16,
      noise: true,
    });
    return (messages * 256) / timing.wall;
  });
  show({
    what: '1e6 packets of 4096 B by RDMA WRITE',
    measured: packets,
    unit: 'packets/s',
    bar: 'ns-3.37 400,000 (host-switch-host, no payload); htsim 280,000-380,000',
  });
  const pingPongs = await median(async () => {
    const timing = await runEmbeddedBench({
      kind: 'ping-pong',
      size: 64,
      iterations: PING_PONGS,
      outstanding: 1,
      noise: true,
    });
    return (2 * PING_PONGS) / timing.wall;
  });
  show({
    what: '1e5 ping-pongs of 64 B by SEND',
    measured: pingPongs,
    unit: 'messages/s',
    bar: 'SimGrid SMPI 116,000 (with start-up)',
  });
  const frames = await median(async () => {
    const timing = await runEmbeddedBench({
      kind: 'frames',
      size: 64,
      iterations: FRAMES,
      outstanding: 256,
      noise: true,
    });
    return FRAMES / timing.wall;
  });
  show({
    what: '4e5 raw frames of 64 B from one program to another',
    measured: frames,
    unit: 'frames/s',
    bar: 'ns-3 80,000 (UDP/IP); aimed at 500,000',
  });
}

const DATAGRAMS = 200_000;

async function kernelPath(): Promise<void> {
  const rate = await median(async () => {
    const timing = await runEmbeddedBench({
      kind: 'datagrams',
      size: 64,
      iterations: DATAGRAMS,
      outstanding: 128,
      noise: true,
    });
    return timing.packets / timing.wall;
  });
  show({
    what: '2e5 datagrams of 64 B by system calls, both kernels',
    measured: rate,
    unit: 'packets/s',
    bar: 'ns-3 80,000 (UDP/IP); aimed at 400,000',
  });
}

const STEERED = 4_000_000;

async function receiveSide(): Promise<void> {
  print('\nReceive side of a NIC: steering of frames of 1024 TCP flows to 8 queues');
  for (const [mode, rules] of [
    ['rss', 0],
    ['rfs', 0],
    ['rss', 1024],
  ] as const) {
    const rate = await median(async () => steeringRate(mode, rules, STEERED));
    show({
      what: rules === 0 ? `  by ${mode}` : `  by a rule for each flow`,
      measured: rate,
      unit: 'frames/s',
      bar: 'asked: 3,300,000 (300 ns each)',
    });
  }
}

const set = (values: Record<string, string | number>): string[] =>
  Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);

async function processesInVirtualTime(): Promise<void> {
  print('\nOne process per host, virtual clock, cores as worker threads');
  const pingPong = set({ kind: 'ping-pong', size: 64, iterations: 1000 });
  const two: number[] = [];
  const eight: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    two.push((await runProcessBench(pingPong)).wall);
    eight.push((await runProcessBench([...pingPong, '--hosts', '8'])).wall);
  }
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[RUNS >> 1]!;
  show({
    what: '1000 ping-pongs, 2 hosts, past start-up',
    measured: middle(two),
    unit: 's',
    bar: 'asked: under 2',
  });
  show({
    what: 'the same with 8 hosts, of which 2 talk, against 2 hosts',
    measured: middle(eight) / middle(two),
    unit: 'times',
    bar: 'asked: at most 1.5',
  });
  const stream = set({
    kind: 'stream',
    size: PACKET,
    iterations: STREAMED,
    outstanding: 64,
  });
  const writes = await median(async () => {
    const run = await runProcessBench([...stream, '--profile', 'cx4-edr']);
    return STREAMED / run.wall;
  });
  show({
    what: 'RDMA WRITEs of 4 KiB one way (their ACKs not counted)',
    measured: writes,
    unit: 'packets/s',
    bar: 'asked: 10,000',
  });
}

async function processesInRealTime(): Promise<void> {
  print('\nOne process per host, real clock');
  const small = 1_000_000;
  const rate = await median(async () => {
    const run = await runProcessBench([
      '--clock',
      'real',
      '--core-runtime',
      'inline',
      ...set({ kind: 'stream', size: 8, iterations: small, outstanding: 64 }),
    ]);
    return small / run.wall;
  });
  show({
    what: 'RDMA WRITEs of 8 B, 64 outstanding',
    measured: rate,
    unit: 'messages/s',
    bar: 'UCX over tcp, put: 230,000-330,000',
  });
  const large = 2048;
  const bytes = await median(async () => {
    const run = await runProcessBench([
      '--clock',
      'real',
      '--core-runtime',
      'inline',
      '--profile',
      'cx4-edr',
      ...set({ kind: 'stream', size: 2 ** 20, iterations: large, outstanding: 16 }),
    ]);
    return (large * 2 ** 20) / run.wall / 1e9;
  });
  show({
    what: 'RDMA WRITEs of 1 MiB',
    measured: bytes,
    unit: 'GB/s',
    bar: 'UCX over tcp, put: 1.7',
  });
}

async function footprint(): Promise<void> {
  print('\nFootprint');
  const { memory } = await runProcessBench(['--cores', '4', ...set({ kind: 'idle' })]);
  show({
    what: 'a host process with 4 cores, resident',
    measured: memory,
    unit: 'MB',
    bar: 'asked: under 150 beyond its emulated memory',
  });
  const large = await runProcessBench([
    'hpc/allreduce',
    '--hosts',
    '32',
    '--cores',
    '2',
    ...set({ size: 8, iterations: 10, 'ranks-per-host': 2 }),
  ]);
  show({
    what: '32 hosts x 2 cores, 10 x hpc/allreduce of 8 B: launch',
    measured: large.start,
    unit: 's',
    bar: '',
  });
  show({ what: '  first to last virtual instant', measured: large.wall, unit: 's', bar: '' });
  show({
    what: '  largest process',
    measured: large.memory,
    unit: 'MB',
    bar: '32 of them in 16 GB: under 500',
  });
}

/** Prints every table, one after the other. */
export async function showRates(): Promise<void> {
  await embedded();
  await kernelPath();
  await receiveSide();
  await processesInVirtualTime();
  await processesInRealTime();
  await footprint();
}
