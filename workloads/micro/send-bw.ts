/** `micro/send-bw`: SENDs one way; the other side keeps receives posted and checks every message (ib_send_bw). */
import type { QueuePair } from '../../node/program/verbs.js';
import { bandwidthWorkload, inboxSlots, messagesOf } from './bandwidth.js';
import type { MicroParameters } from './parameters.js';
import { OperationError, type Side } from './side.js';

const INLINE_UP_TO = 236;
/** perftest's receive depth. */
const RECEIVES = 512;

/** Receives posted on each queue pair, each with its place in the inbox. */
const receivesOf = (params: MicroParameters): number =>
  Math.max(1, Math.min(RECEIVES, Math.floor(inboxSlots(params) / params.qps)));

async function server(side: Side): Promise<void> {
  const { size, qps } = side.params;
  const total = messagesOf(side.params);
  const each = receivesOf(side.params);
  const counts = side.connections.map(() => 0);
  const indices = new Map(side.connections.map(({ qp }, index) => [qp.qpNum, index]));
  for (let left = total; left > 0;) {
    for (const { wrId, byteLen, qpNum } of await side.received()) {
      if (byteLen !== size) throw new OperationError(`${byteLen} bytes came, not ${size}`);
      const index = indices.get(qpNum)!;
      const count = counts[index]!++;
      side.checkInPassing(count * qps + index, wrId * size);
      if (count + each < total / qps) receive(side, side.connections[index]!.qp, wrId);
      left--;
    }
  }
}

function receive(side: Side, qp: QueuePair, slot: number): void {
  const { size } = side.params;
  qp.postRecv({ wrId: slot, sges: [side.inbox.sge(slot * size, size)] });
}

export default bandwidthWorkload({
  name: 'micro/send-bw',
  summary: 'SEND one way: bandwidth and message rate (ib_send_bw)',
  shape: { defaultSize: 65536, leastSize: 1, inlineUpTo: INLINE_UP_TO, latency: false },
  options: (params) => ({
    inbox: receivesOf(params) * params.qps * params.size,
    reach: 'inbox',
    sends: params.outstanding,
    receives: receivesOf(params),
    inlineUpTo: INLINE_UP_TO,
    prepare: (side, qp, index) => {
      if (side.task.role === 'client') return;
      const each = receivesOf(params);
      for (let slot = index * each; slot < (index + 1) * each; slot++) receive(side, qp, slot);
    },
  }),
  request: (side, number, signaled) => ({
    opcode: 'SEND',
    wrId: number,
    signaled,
    sges: [side.message(number)],
    inline: side.inline,
  }),
  server,
});
