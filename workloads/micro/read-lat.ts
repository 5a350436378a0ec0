/**
 * `micro/read-lat`: one host reads the memory of the other, which does nothing; latency is the whole operation, from
 * the post to the completion that is seen (perftest's ib_read_lat).
 */
import type { LatencyRecorder } from '../authoring/latency-recorder.js';
import { latencyWorkload } from './latency.js';
import type { Side } from './side.js';

async function client(side: Side, recorder: LatencyRecorder): Promise<void> {
  const { iterations, warmup, size } = side.params;
  for (let number = 1; number <= warmup + iterations; number++) {
    const { remote } = side.connection(number);
    recorder.begin();
    side.post(number, {
      opcode: 'RDMA_READ',
      wrId: number,
      sges: [side.inbox.sge(0, size)],
      remoteAddress: remote.address + side.pattern.offset(number),
      rkey: remote.rkey,
    });
    await side.settle();
    if (number > warmup) recorder.end();
    side.checkInPassing(number, 0);
  }
}

export default latencyWorkload({
  name: 'micro/read-lat',
  summary: 'RDMA READ, one at a time: the whole operation (ib_read_lat)',
  shape: { defaultSize: 8, leastSize: 0, inlineUpTo: 0, latency: true, ways: 1 },
  options: ({ size }) => ({
    inbox: size,
    reach: 'source',
    sends: 1,
    receives: 1,
    inlineUpTo: 0,
  }),
  client,
  server: (side) => side.partner(),
  halves: false,
});
