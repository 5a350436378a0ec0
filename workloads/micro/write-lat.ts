/**
 * `micro/write-lat`: two hosts answer each other's RDMA WRITEs. Each polls the last byte of its own memory, which every
 * message changes; latency is half the round trip (perftest's ib_write_lat).
 */
import type { LatencyRecorder } from '../authoring/latency-recorder.js';
import { latencyWorkload } from './latency.js';
import { PING_PONG_SENDS, type Side } from './side.js';

const INLINE_UP_TO = 220;

async function client(side: Side, recorder: LatencyRecorder): Promise<void> {
  const { iterations, warmup } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    recorder.begin();
    write(side, number);
    await arrival(side, number);
    if (number > warmup) recorder.end();
    side.checkInPassing(number, 0);
    await side.settle();
  }
}

async function server(side: Side): Promise<void> {
  const { iterations, warmup } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    await arrival(side, number);
    side.checkInPassing(number, 0);
    write(side, number);
    await side.settle();
  }
}

function write(side: Side, number: number): void {
  const { remote } = side.connection(number);
  side.post(number, {
    opcode: 'RDMA_WRITE',
    wrId: number,
    sges: [side.message(number)],
    remoteAddress: remote.address,
    rkey: remote.rkey,
    inline: side.inline,
    signaled: side.signals(number),
  });
}

const arrival = (side: Side, number: number): Promise<void> =>
  side.watch(side.params.size - 1, side.pattern.mark(number - 1));

export default latencyWorkload({
  name: 'micro/write-lat',
  summary: 'RDMA WRITE ping-pong: half the round trip, polled for in memory (ib_write_lat)',
  shape: { defaultSize: 8, leastSize: 1, inlineUpTo: INLINE_UP_TO, latency: true },
  options: ({ size }) => ({
    inbox: size,
    reach: 'inbox',
    sends: PING_PONG_SENDS,
    receives: 1,
    inlineUpTo: INLINE_UP_TO,
  }),
  client,
  server,
  halves: true,
});
