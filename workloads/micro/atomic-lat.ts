/**
 * `micro/atomic-lat`: one host counts in the memory of the other, by FETCH_ADD or by compare and swap; latency is the
 * whole operation (perftest's ib_atomic_lat). Every answer is checked, and the count that is left.
 */
import type { SendWr } from '../../node/program/verbs.js';
import type { LatencyRecorder } from '../authoring/latency-recorder.js';
import { latencyWorkload } from './latency.js';
import type { Side } from './side.js';

const SIZE = 8;

async function client(side: Side, recorder: LatencyRecorder): Promise<void> {
  const { iterations, warmup } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    const before = BigInt(number - 1);
    recorder.begin();
    side.post(number, request(side, number, before));
    await side.settle();
    if (number > warmup) recorder.end();
    checkCount(side, before);
  }
}

async function server(side: Side): Promise<void> {
  const { iterations, warmup } = side.params;
  await side.partner();
  checkCount(side, BigInt(warmup + iterations));
}

function request(side: Side, number: number, before: bigint): SendWr {
  const { remote } = side.connection(number);
  const wrId = number;
  const sges = [side.inbox.sge(0, SIZE)];
  const { address: remoteAddress, rkey } = remote;
  if (side.params.op === 'cas') {
    const [compare, swap] = [before, before + 1n];
    return { opcode: 'ATOMIC_CMP_AND_SWP', wrId, sges, remoteAddress, rkey, compare, swap };
  }
  return { opcode: 'ATOMIC_FETCH_AND_ADD', wrId, sges, remoteAddress, rkey, add: 1n };
}

/** Looks whether the inbox holds this count: at the client what was there before, at the server the sum. */
function checkCount(side: Side, expected: bigint): void {
  const differing = side.inbox.data.getBigUint64(0, true) ^ expected;
  side.checked++;
  for (let byte = 0n; byte < SIZE; byte++) {
    if (((differing >> (byte * 8n)) & 0xffn) !== 0n) side.wrongBytes++;
  }
}

const workload = latencyWorkload({
  name: 'micro/atomic-lat',
  summary: 'FETCH_ADD or compare and swap, one at a time: the whole operation (ib_atomic_lat)',
  shape: {
    defaultSize: SIZE,
    leastSize: SIZE,
    mostSize: SIZE,
    inlineUpTo: 0,
    latency: true,
    ways: 1,
  },
  options: () => ({ inbox: SIZE, reach: 'inbox', sends: 1, receives: 1, inlineUpTo: 0 }),
  client,
  server,
  halves: false,
});

export default {
  ...workload,
  parameters: {
    ...workload.parameters,
    op: {
      default: 'fetch-add',
      type: 'choice',
      choices: ['fetch-add', 'cas'],
      help: 'the atomic: fetch-add, or cas (compare and swap)',
    },
  },
} satisfies typeof workload;
