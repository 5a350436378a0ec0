/**
 * Published figures beyond the anchors: rates, steps and tails. Rates on one queue pair, the atomic unit's and the tail
 * each set a constant of their profile (nic.qp_gap, nic.atomic_occupancy, a jitter): they show that the model as a
 * whole keeps it. The others (2 B, the READ's step, the 25G link's rate, the routed bed) set none.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Core } from '../../node/program/verbs.js';
import { connect, openDevice, sharedRegion } from '../../workloads/authoring/connect.js';
import { runEmbedded, type ClusterOptions } from '../embedded.js';
import {
  atomicLat,
  msgRate,
  readLat,
  sendBw,
  sendLat,
  writeBw,
  writeLat,
} from '../workloads/micro/benchmarks.js';
import { measured } from './measured.js';

const CX3: ClusterOptions = { profile: 'cx3-qdr', topology: 'direct' };
const CX4: ClusterOptions = { profile: 'cx4-edr', topology: 'direct' };
const CX6: ClusterOptions = { profile: 'cx6-hdr' };
const FAST_CORES = ['cpu.post=1ns', 'cpu.doorbell=1ns', 'cpu.poll=1ns'];

const table: string[] = [];

/** Notes a row; the model's error as a share of what was measured. */
function row(what: string, model: number, published: number, unit: string): number {
  const error = model / published - 1;
  const figures = `${model.toFixed(3).padStart(8)} ${published.toFixed(2).padStart(8)} ${unit.padEnd(5)}`;
  table.push(`${what.padEnd(46)} ${figures} ${(error * 100).toFixed(1).padStart(6)} %`);
  return Math.abs(error);
}

afterAll(() => {
  const heading = `${''.padEnd(46)} ${'model'.padStart(8)} ${'measured'.padStart(8)}        error`;
  process.stdout.write(`\n${[heading, ...table].join('\n')}\n`);
});

describe('rates, within 5 %', () => {
  it.each([2, 64, 256])('cx3-qdr WRITE of %i B on one queue pair: 6.2 to 6.3 M/s', async (size) => {
    const { rate } = await measured(writeBw, { size }, CX3);
    expect(row(`cx3-qdr write ${size} B, one queue pair`, rate, 6.25, 'M/s')).toBeLessThan(0.05);
  });

  it.each([8, 512, 2048])('cx6-hdr SEND of %i B: 4.84 to 4.89 M/s', async (size) => {
    const { rate } = await measured(sendBw, { size }, CX6);
    expect(row(`cx6-hdr send ${size} B, one queue pair`, rate, 4.865, 'M/s')).toBeLessThan(0.05);
  });

  it('cx4-edr messages of 8 B from one core: 7.9 M/s', async () => {
    const { rate } = await measured(msgRate, { qps: 1, iterations: 2000 }, CX4);
    expect(row('cx4-edr 8 B messages, one core', rate, 7.9, 'M/s')).toBeLessThan(0.05);
  });

  it('roce-25g messages of 8 B from many cores: 30.2 M/s', async () => {
    const bed = { profile: 'roce-25g', overrides: FAST_CORES };
    const { rate } = await measured(msgRate, { qps: 16, iterations: 300 }, bed);
    expect(row('roce-25g 8 B messages, many cores', rate, 30.2, 'M/s')).toBeLessThan(0.05);
  });

  it('cx3-qdr atomics on one queue pair: 2.447 M/s', async () => {
    const rate = await atomicRate(CX3);
    expect(row('cx3-qdr fetch-adds, one queue pair', rate, 2.447, 'M/s')).toBeLessThan(0.05);
  });
});

/** Million FETCH_ADDs per second, 16 under way on one queue pair. */
async function atomicRate(bed: ClusterOptions): Promise<number> {
  const [depth, count] = [16, 800];
  const { values: results } = await runEmbedded({
    ...bed,
    program: async (core: Core) => {
      const device = await openDevice(core);
      const region = await sharedRegion(core, device.pd, 4096);
      const cq = await device.context.createCq(2 * depth);
      const options = { peer: 1 - core.rank, sendCq: cq, recvCq: cq, cap: {}, region };
      const { qp, remote } = await connect(core, device, options);
      const start = core.now;
      for (let posted = 0, done = 0; core.rank === 0 && done < count;) {
        for (; posted < count && posted - done < depth; posted++) {
          qp.postSend({
            opcode: 'ATOMIC_FETCH_AND_ADD',
            add: 1n,
            sges: [region.sge(64, 8)],
            remoteAddress: remote.address,
            rkey: remote.rkey,
          });
        }
        done += (await cq.busyPoll()).length;
      }
      const span = core.now - start;
      await core.tell(1 - core.rank, 'done');
      await core.hear(1 - core.rank);
      return core.rank === 0 ? span : Number(region.data.getBigUint64(0, true));
    },
  });
  expect(results[1]).toBe(count);
  return (count * 1e6) / (results[0] as number);
}

describe('steps and tails', () => {
  it('cx3-qdr SEND of 2 B: 1.07 us', async () => {
    const { latency } = await measured(sendLat, { size: 2 }, CX3);
    expect(row('cx3-qdr send 2 B', latency.p50 / 1e3, 1.07, 'us')).toBeLessThan(0.1);
  });

  it('cx3-qdr READ has no step from inline data: 256 B take 0.08 us more than 128', async () => {
    const [short, long] = [
      await measured(readLat, { size: 128 }, CX3),
      await measured(readLat, { size: 256 }, CX3),
    ];
    const step = (long.latency.p50 - short.latency.p50) / 1e3;
    row('cx3-qdr read, from 128 B to 256', step, 0.08, 'us');
    expect(Math.abs(step - 0.08)).toBeLessThan(0.03);
  });

  it('cx6-hdr SEND of 8 B: p99 is 1.02 times p50, and p99.9 lies 1.6 to 1.9 us above it', async () => {
    const { latency } = await measured(sendLat, { size: 8, iterations: 50_000 }, CX6);
    const ratio = latency.p99 / latency.p50;
    const tail = (latency['p99.9'] - latency.p50) / 1e3;
    expect(row('cx6-hdr send 8 B, p99 / p50', ratio, 1.02, '')).toBeLessThan(0.01);
    row('cx6-hdr send 8 B, p99.9 - p50', tail, 1.64, 'us');
    expect(tail).toBeGreaterThan(1.5);
    expect(tail).toBeLessThan(2);
  });
});

/**
 * That bed is routed, over a path that is not stated; its full operations agree with one switch, its half round trips
 * are longer than half of them. They stand here to be seen: the model misses by up to a fifth.
 */
describe('roce-100g, whose bed is routed, within 20 %', () => {
  it.each([
    ['write 2 B', writeLat, 2, 1.58],
    ['send 2 B', sendLat, 2, 1.68],
    ['read 2 B', readLat, 2, 2.69],
    ['fetch-add', atomicLat, 8, 2.65],
  ])('%s', async (what, workload, size, published) => {
    const { latency } = await measured(workload, { size }, { profile: 'roce-100g' });
    expect(row(`roce-100g ${what}`, latency.p50 / 1e3, published, 'us')).toBeLessThan(0.2);
  });
});
