/** The kinds of queue pair that the NIC has, by ibv_qp_type: a new one is a file and a row here. */
import { RAW_PACKET } from './raw-transport.js';
import { RC } from './rc-transport.js';
import type { TransportKind } from './transport.js';

export const TRANSPORTS = { RC, RAW_PACKET } as const satisfies Readonly<
  Record<string, TransportKind>
>;

type QueuePairType = keyof typeof TRANSPORTS;

export const isQueuePairType = (type: unknown): type is QueuePairType =>
  typeof type === 'string' && Object.hasOwn(TRANSPORTS, type);
