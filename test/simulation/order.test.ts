/**
 * SENDs, WRITEs and atomics of a queue pair are executed in the order in which they were posted (IBTA C9-28), whatever
 * the links do: random sequences on overlapping bytes, whose observations are checked against a plain sequential model.
 * SIMULATION_COUNT seeds from SIMULATION_SEED on, for longer campaigns.
 */
import { describe, expect, it } from 'vitest';
import type { CompletionQueue, Core, MemoryRegion, SendWr } from '../../node/program/verbs.js';
import { RandomStream } from '../../sim/random.js';
import { picoseconds } from '../../units/time.js';
import { connect, openDevice, sharedRegion } from '../../workloads/authoring/workload.js';
import { runEmbedded } from '../embedded.js';
import {
  AREA,
  checkOrder,
  planOrder,
  RECEIVE,
  type Observations,
  type Operation,
} from './order-plan.js';

const first = Number(process.env['SIMULATION_SEED'] ?? 1);
const count = Number(process.env['SIMULATION_COUNT'] ?? 12);

const QUEUE_PAIRS = 2;
const OPERATIONS = 60;
const OUTSTANDING = 24;
/** Of one operation, for what it sends and what comes back. */
const SLOT = AREA;
const PART = AREA + OPERATIONS * 2 * SLOT;

const takesReceive = ({ kind }: Operation): boolean => kind === 'send' || kind === 'writeImm';

/** Host 0 posts, host 1 is what is written to; each returns what it saw, by queue pair. */
async function program(core: Core, seed: number): Promise<Partial<Observations>[]> {
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, QUEUE_PAIRS * PART);
  const seen: Partial<Observations>[] = [];
  const sides = [];
  for (let i = 0; i < QUEUE_PAIRS; i++) {
    const operations = planOrder(seed, i, OPERATIONS);
    const cq = await device.context.createCq(2 * OPERATIONS);
    const cap = { maxSendWr: OUTSTANDING, maxRecvWr: OPERATIONS };
    const { qp, remote } = await connect(core, device, {
      peer: 1 - core.rank,
      region,
      sendCq: cq,
      recvCq: cq,
      cap,
    });
    sides.push({ operations, cq, qp, remote, at: i * PART });
    if (core.rank === 1) {
      for (let each = 0; each < OPERATIONS; each++) {
        qp.postRecv({ sges: [region.sge(i * PART + AREA + each * SLOT, RECEIVE)] });
      }
    }
  }
  await core.tell(1 - core.rank, 'ready');
  await core.hear(1 - core.rank);
  if (core.rank === 1) {
    for (const { operations, cq, at } of sides) {
      seen.push({ receives: await listen(operations, region, at, cq) });
    }
    await core.tell(0, 'heard');
    await core.hear(0);
    for (const [i, { at }] of sides.entries()) {
      seen[i] = { ...seen[i], final: [...region.bytes.subarray(at, at + AREA)] };
    }
    return seen;
  }
  const posted = sides.map(() => 0);
  const done = sides.map(() => 0);
  while (done.some((n) => n < OPERATIONS)) {
    for (const [i, { operations, qp, remote, at, cq }] of sides.entries()) {
      const burst = 1 + Math.floor(core.random() * 8);
      for (let n = 0; n < burst; n++) {
        if (posted[i] === OPERATIONS || posted[i]! - done[i]! === OUTSTANDING) break;
        const index = posted[i]!++;
        const target = { address: remote.address + at, rkey: remote.rkey };
        qp.postSend(requestOf(operations[index]!, index, region, at, target));
      }
      await core.sleep(picoseconds(Math.floor(core.random() * 1e6)));
      for (const { status, wrId } of await cq.poll()) {
        if (status !== 'SUCCESS') throw new Error(`operation ${wrId} completed ${status}`);
        if (wrId !== done[i]) throw new Error(`operation ${wrId} completed as number ${done[i]}`);
        done[i]++;
      }
    }
  }
  for (const { operations, at } of sides) {
    const answers = operations.map(({ kind, length }, index) => {
      const brings = kind === 'read' || kind === 'fetchAdd' || kind === 'compareSwap';
      const start = at + AREA + (2 * index + 1) * SLOT;
      return brings ? [...region.bytes.subarray(start, start + length)] : [];
    });
    seen.push({ answers });
  }
  await core.hear(1);
  await core.tell(1, 'done');
  return seen;
}

function requestOf(
  { kind, at, length, fence, bytes, operand, compare }: Operation,
  index: number,
  region: MemoryRegion,
  part: number,
  target: { address: number; rkey: number },
): SendWr {
  const source = part + AREA + 2 * index * SLOT;
  region.bytes.set(bytes, source);
  const common = { wrId: index, fence };
  const out = { ...common, sges: [region.sge(source, length)] };
  const back = { ...common, sges: [region.sge(source + SLOT, length)] };
  const place = { remoteAddress: target.address + at, rkey: target.rkey as never };
  switch (kind) {
    case 'send':
      return { ...out, opcode: 'SEND' };
    case 'write':
      return { ...out, ...place, opcode: 'RDMA_WRITE' };
    case 'writeImm':
      return { ...out, ...place, opcode: 'RDMA_WRITE_WITH_IMM', immediate: index };
    case 'read':
      return { ...back, ...place, opcode: 'RDMA_READ' };
    case 'fetchAdd':
      return { ...back, ...place, opcode: 'ATOMIC_FETCH_AND_ADD', add: operand };
    case 'compareSwap':
      return { ...back, ...place, opcode: 'ATOMIC_CMP_AND_SWP', compare, swap: operand };
  }
}

/** Takes the area down with each receive that completes. */
async function listen(
  operations: readonly Operation[],
  region: MemoryRegion,
  part: number,
  cq: CompletionQueue,
): Promise<Observations['receives']> {
  const receives: Observations['receives'][number][] = [];
  const expected = operations.filter(takesReceive).length;
  while (receives.length < expected) {
    const area = (): number[] => [...region.bytes.subarray(part, part + AREA)];
    for (const { status, byteLen, opcode } of await cq.busyPoll(1)) {
      if (status !== 'SUCCESS') throw new Error(`a receive completed ${status}`);
      const start = part + AREA + receives.length * SLOT;
      const length = opcode === 'RECV' ? byteLen : 0;
      receives.push({ held: [...region.bytes.subarray(start, start + length)], area: area() });
    }
  }
  return receives;
}

async function problemsOf(seed: number): Promise<string[]> {
  const random = new RandomStream(seed, 'order');
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]!;
  const faults = {
    loss: pick([0, 0, 0.01, 0.05]),
    duplicate: pick([0, 0.02]),
    delayed: pick([0, 0.02]),
    delay: 1e6,
  };
  const run = await runEmbedded({
    seed,
    faults,
    noise: pick([true, false]),
    mtu: pick([256, 1024]),
    profile: pick(['roce-100g', 'roce-25g', 'cx4-edr']),
    topology: pick(['direct', 'switch']),
    program: (core) => program(core, seed),
  });
  if (run.failure !== null) return [run.failure.stack];
  if (run.blocked.length > 0) return [...run.blocked];
  const [posted, heard] = run.values as [Partial<Observations>[], Partial<Observations>[]];
  return posted.flatMap((sent, i) =>
    checkOrder(planOrder(seed, i, OPERATIONS), { ...sent, ...heard[i] } as Observations).map(
      (problem) => `SIMULATION_SEED=${seed} SIMULATION_COUNT=1, queue pair ${i}: ${problem}`,
    ),
  );
}

describe('operations of all kinds on overlapping bytes', () => {
  it(
    `find what a sequential model finds: seeds ${first} to ${first + count - 1}`,
    { timeout: Math.max(60_000, count * 5_000) },
    async () => {
      for (let seed = first; seed < first + count; seed++) {
        expect(await problemsOf(seed)).toEqual([]);
      }
    },
  );
});
