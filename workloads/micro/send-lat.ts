/**
 * `micro/send-lat`: two hosts answer each other's SENDs, each seen by its completion; latency is half the round trip
 * (perftest's ib_send_lat). A receive is posted again after the answer is on its way, off the timed path.
 */
import type { QueuePair, WorkCompletion } from '../../node/program/verbs.js';
import type { LatencyRecorder } from '../authoring/latency-recorder.js';
import { latencyWorkload, type LatencyBenchmark } from './latency.js';
import type { MicroParameters } from './parameters.js';
import { OperationError, PING_PONG_SENDS, type Side } from './side.js';

const INLINE_UP_TO = 236;
/** Receives posted on a queue pair: one would do, if the answer never overtook its posting. */
const RECEIVES = 2;

async function client(side: Side, recorder: LatencyRecorder): Promise<void> {
  const { iterations, warmup } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    recorder.begin();
    send(side, number);
    const slot = slotOf(side, await side.received());
    if (number > warmup) recorder.end();
    side.checkInPassing(number, slot * side.params.size);
    receive(side, side.connection(number).qp, slot);
    await side.settle();
  }
}

async function server(side: Side): Promise<void> {
  const { iterations, warmup } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    const slot = slotOf(side, await side.received());
    side.checkInPassing(number, slot * side.params.size);
    send(side, number);
    receive(side, side.connection(number).qp, slot);
    await side.settle();
  }
}

function send(side: Side, number: number): void {
  side.post(number, {
    opcode: 'SEND',
    wrId: number,
    sges: [side.message(number)],
    inline: side.inline,
    signaled: side.signals(number),
  });
}

/** The slot of the inbox that a message came into. */
function slotOf(side: Side, [arrival]: readonly WorkCompletion[]): number {
  const { wrId, byteLen } = arrival!;
  if (byteLen !== side.params.size) {
    throw new OperationError(`a message of ${byteLen} bytes, not ${side.params.size}`);
  }
  return wrId;
}

function receive(side: Side, qp: QueuePair, slot: number): void {
  const { size } = side.params;
  qp.postRecv({ wrId: slot, sges: [side.inbox.sge(slot * size, size)] });
}

export const SEND_LAT: LatencyBenchmark = {
  name: 'micro/send-lat',
  summary: 'SEND ping-pong: half the round trip, seen by completions (ib_send_lat)',
  shape: { defaultSize: 8, leastSize: 0, inlineUpTo: INLINE_UP_TO, latency: true },
  options: ({ size, qps }: MicroParameters) => ({
    inbox: Math.max(RECEIVES * qps * size, 1),
    reach: 'inbox',
    sends: PING_PONG_SENDS,
    receives: RECEIVES,
    inlineUpTo: INLINE_UP_TO,
    prepare: (side, qp, index) => {
      for (let each = 0; each < RECEIVES; each++) receive(side, qp, index * RECEIVES + each);
    },
  }),
  client,
  server,
  halves: true,
};

export default latencyWorkload(SEND_LAT);
