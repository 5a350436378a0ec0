/** Connecting two queue pairs, as every program does it: numbers over the out-of-band network, then INIT, RTR, RTS. */
import {
  ACCESS,
  type CompletionQueue,
  type Context,
  type Core,
  type MemoryRegion,
  type ProtectionDomain,
  type QpCapabilities,
  type QueuePair,
  type Rkey,
} from '../../node/program/verbs.js';

/** What a rank tells its peer: where its queue pair is, and what it may read and write. */
export interface Endpoint {
  readonly host: number;
  readonly qpNum: number;
  readonly psn: number;
  readonly address: number;
  readonly rkey: Rkey;
  readonly length: number;
}

const EVERYTHING =
  ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.REMOTE_ATOMIC;

export interface Device {
  readonly context: Context;
  readonly pd: ProtectionDomain;
}

export async function openDevice(core: Core): Promise<Device> {
  const context = await core.openDevice();
  return { context, pd: await context.allocatePd() };
}

/** Memory of `length` bytes that peers may read, write and do atomics on. */
export async function sharedRegion(
  core: Core,
  pd: ProtectionDomain,
  length: number,
): Promise<MemoryRegion> {
  return pd.registerMemory(await core.allocate(length), EVERYTHING);
}

export interface ConnectionOptions {
  readonly peer: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly cap: Partial<QpCapabilities>;
  /** What the peer gets to know of this rank's memory. */
  readonly region: MemoryRegion;
  /** Called when the queue pair can receive, before the peer may send: to post receives. */
  readonly receives?: (qp: QueuePair) => void;
}

export interface Connection {
  readonly qp: QueuePair;
  readonly remote: Endpoint;
}

/** perftest's time-out: 4.096 us * 2^14 = 67 ms, seven retries. */
const TIMEOUT = 14;
const RETRIES = 7;
const RNR_TIMER_12 = 12;

/** A reliable connection to rank `peer`, ready to send on both sides when it resolves. */
export async function connect(
  core: Core,
  { context, pd }: Device,
  options: ConnectionOptions,
): Promise<Connection> {
  const { peer, sendCq, recvCq, cap, region } = options;
  const qp = await pd.createQp({ sendCq, recvCq, cap });
  const psn = Math.floor(core.random() * 2 ** 24);
  const local: Endpoint = {
    host: core.host,
    qpNum: qp.qpNum,
    psn,
    address: region.address,
    rkey: region.rkey,
    length: region.length,
  };
  await core.tell(peer, local);
  const remote = (await core.hear(peer)) as Endpoint;
  const reads = context.attributes.maxQpRdAtom;
  await qp.modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: EVERYTHING });
  options.receives?.(qp);
  await qp.modify({
    state: 'RTR',
    ahHost: remote.host,
    pathMtu: context.attributes.activeMtu,
    destQpNum: remote.qpNum,
    rqPsn: remote.psn,
    maxDestRdAtomic: reads,
    minRnrTimer: RNR_TIMER_12,
  });
  await qp.modify({
    state: 'RTS',
    sqPsn: psn,
    timeout: TIMEOUT,
    retryCnt: RETRIES,
    rnrRetry: RETRIES,
    maxRdAtomic: reads,
  });
  await core.tell(peer, 'ready');
  await core.hear(peer);
  return { qp, remote };
}
