/** RDMA WRITEs one way: each message to a place of its own as long as there is room; what is left there is checked. */
import type { SendWr } from '../../node/program/verbs.js';
import { inboxSlots, messagesOf, type BandwidthBenchmark } from './bandwidth.js';
import type { Side } from './side.js';

function request(side: Side, number: number, signaled: boolean): SendWr {
  const { remote } = side.connection(number);
  return {
    opcode: 'RDMA_WRITE',
    wrId: number,
    signaled,
    sges: [side.message(number)],
    remoteAddress: remote.address + (number % inboxSlots(side.params)) * side.params.size,
    rkey: remote.rkey,
    inline: side.inline,
  };
}

/** Checks the last message that went to each place. */
async function server(side: Side): Promise<void> {
  await side.partner();
  const total = messagesOf(side.params);
  const slots = inboxSlots(side.params);
  for (let number = Math.max(0, total - slots); number < total; number++) {
    side.check(number, (number % slots) * side.params.size);
    await side.core.checkIn();
  }
}

export const oneWayWrites: Pick<BandwidthBenchmark, 'options' | 'request' | 'server'> = {
  options: (params) => ({
    inbox: inboxSlots(params) * params.size,
    reach: 'inbox',
    sends: params.outstanding,
    receives: 1,
    inlineUpTo: 220,
  }),
  request,
  server,
};
