/**
 * `micro/read-bw`: RDMA READs, as many posted as of anything else: the device holds back what it cannot have under way
 * (perftest's ib_read_bw).
 */
import type { SendWr } from '../../node/program/verbs.js';
import { bandwidthWorkload, inboxSlots } from './bandwidth.js';
import type { Side } from './side.js';

function request(side: Side, number: number, signaled: boolean): SendWr {
  const { size } = side.params;
  const { remote } = side.connection(number);
  return {
    opcode: 'RDMA_READ',
    wrId: number,
    signaled,
    sges: [side.inbox.sge((number % inboxSlots(side.params)) * size, size)],
    remoteAddress: remote.address + side.pattern.offset(number),
    rkey: remote.rkey,
  };
}

/** Checks what was read, unless a later READ into the same place may have begun to change it. */
function completed(side: Side, number: number, posted: number): void {
  const slots = inboxSlots(side.params);
  if (number + slots >= posted) side.check(number, (number % slots) * side.params.size);
}

export default bandwidthWorkload({
  name: 'micro/read-bw',
  summary: 'RDMA READ, many at once: bandwidth and message rate (ib_read_bw)',
  shape: {
    defaultSize: 65536,
    leastSize: 1,
    inlineUpTo: 0,
    latency: false,
  },
  options: (params) => ({
    inbox: inboxSlots(params) * params.size,
    reach: 'source',
    sends: params.outstanding,
    receives: 1,
    inlineUpTo: 0,
  }),
  request,
  completed,
  server: (side) => side.partner(),
});
