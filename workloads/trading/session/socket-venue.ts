/** Where exchange and trader meet when they speak over sockets: group, ports, and which core takes which frames. */
import { openNetwork, type Network } from '../../../node/program/sockets.js';
import type { Core, MemoryRegion } from '../../../node/program/verbs.js';
import { openDevice, sharedRegion } from '../../authoring/connect.js';
import { networkOptions } from '../../authoring/paths.js';
import { RANK, type TickToTradeParameters } from './tick-to-trade-session.js';

/** Of the block for use within one organisation (RFC 2365). */
export const FEED_GROUP = '239.192.0.1';
export const FEED_PORT = 26_400;
/** Where the publisher takes requests for what was lost. */
export const REQUEST_PORT = 26_401;
export const ORDER_PORT = 26_477;
export const EXCHANGE_HOST = 0;

/** Receive queues of each host: one for each program of the exchange. */
export const VENUE_QUEUES = 2;

export async function openVenue(core: Core, params: TickToTradeParameters): Promise<Network> {
  if (params.path !== 'bypass') await steer(core);
  return openNetwork(core, networkOptions(params));
}

/** Orders go to the core of the gateway, everything else to the first core of either host. */
async function steer({ rank, networkDevice }: Core): Promise<void> {
  if (rank === RANK.gateway) {
    const match = { protocol: 'tcp', destinationPort: ORDER_PORT } as const;
    await networkDevice.change({ what: 'rule', match, queue: 1 });
  } else {
    await networkDevice.change({ what: 'equal', count: 1 });
  }
}

/** Memory for messages; registered only so that this program can look at its bytes. */
export async function messageMemory(core: Core, length: number): Promise<MemoryRegion> {
  const { pd } = await openDevice(core);
  return sharedRegion(core, pd, length);
}
