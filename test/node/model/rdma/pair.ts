/** Two programs on two hosts, each with a queue pair to the other: what most tests of behaviour begin with. */
import {
  ACCESS,
  type CompletionQueue,
  type Context,
  type Core,
  type MemoryRegion,
  type ProtectionDomain,
  type QpAttributes,
  type QpCapabilities,
  type QueuePair,
  type Rkey,
  type SendWr,
  type WcStatus,
  type WorkCompletion,
} from '../../../../node/program/verbs.js';
import type { MachineRequest } from '../../../../workloads/authoring/workload.js';
import { runEmbedded, type ClusterOptions } from '../../../embedded.js';

export const EVERYTHING =
  ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.REMOTE_ATOMIC;

/** A time-out that no test waits for by accident: 4.096 us * 2^8 = 1 ms. */
export const TIMEOUT = 8;

/** What one side knows of the other. */
export interface Remote {
  readonly host: number;
  readonly qpNum: number;
  readonly address: number;
  readonly rkey: Rkey;
  readonly recvWrs: number;
}

/** One of the two programs' surroundings. `region` is `remote.address` and `remote.rkey` to the other side. */
export interface Side {
  readonly core: Core;
  readonly context: Context;
  readonly pd: ProtectionDomain;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly qp: QueuePair;
  readonly region: MemoryRegion;
  readonly remote: Remote;
  readonly attributes: Readonly<Required<QpSettings>>;
  /** Both sides have come this far. */
  readonly meet: () => Promise<void>;
  /** Brings a queue pair in RESET to RTS, towards the other side's. */
  readonly connect: (qp?: QueuePair, change?: QpAttributes) => Promise<void>;
  /** The next `count` completions of the send queue, or of `cq`. */
  readonly completions: (count: number, cq?: CompletionQueue) => Promise<WorkCompletion[]>;
  readonly statuses: (count: number, cq?: CompletionQueue) => Promise<WcStatus[]>;
  /** Posts, and waits for the one completion. */
  readonly send: (request: SendWr) => Promise<WorkCompletion>;
  /** Posts a receive of part of the region (default: nothing). */
  readonly receive: (offset?: number, length?: number, wrId?: number) => void;
  /** A WRITE, READ or SEND of part of the region, at the same offset of the other side's unless told. */
  readonly write: (offset: number, length: number, to?: number) => SendWr;
  readonly read: (offset: number, length: number, from?: number) => SendWr;
  readonly message: (offset: number, length: number) => SendWr;
}

export interface QpSettings {
  accessFlags?: number;
  pathMtu?: number;
  timeout?: number;
  retryCnt?: number;
  rnrRetry?: number;
  minRnrTimer?: number;
  maxRdAtomic?: number;
  maxDestRdAtomic?: number;
  sqPsn?: number;
  rqPsn?: number;
}

export interface PairOptions extends ClusterOptions {
  readonly machine?: MachineRequest;
  readonly cap?: Partial<QpCapabilities>;
  readonly sqSigAll?: boolean;
  readonly cqCapacity?: number;
  readonly regionLength?: number;
  readonly regionAccess?: number;
  /** Attributes of both queue pairs, and those of one side. `sqPsn` of one side is the other's `rqPsn`. */
  readonly qp?: QpSettings;
  readonly qpOf?: readonly [QpSettings, QpSettings];
  /** Leaves the queue pairs in RESET. */
  readonly unconnected?: boolean;
  /** Called with each host's counters at the end. */
  readonly onCounters?: (counters: Readonly<Record<string, number>>) => void;
}

const DEFAULTS = {
  accessFlags: EVERYTHING,
  pathMtu: 1024,
  timeout: TIMEOUT,
  retryCnt: 7,
  rnrRetry: 7,
  minRnrTimer: 12,
  maxRdAtomic: 8,
  maxDestRdAtomic: 8,
  sqPsn: 0xfffff0,
  rqPsn: 0xfffff0,
};
const CAP = { maxSendWr: 64, maxRecvWr: 64, maxSendSge: 4, maxRecvSge: 4, maxInlineData: 200 };

export interface PairRun<A, B> {
  readonly a: A;
  readonly b: B;
  /** Counters of the two hosts, added up. */
  readonly counters: Readonly<Record<string, number>>;
  readonly now: number;
}

/** Runs both to the end. Throws if one fails or never ends. */
export async function pair<A, B>(
  options: PairOptions,
  a: (side: Side) => Promise<A>,
  b: (side: Side) => Promise<B>,
): Promise<PairRun<A, B>> {
  const run = await runEmbedded({
    noise: false,
    topology: 'direct',
    ...options,
    program: async (core) => {
      const side = await open(core, options);
      return core.rank === 0 ? a(side) : b(side);
    },
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  if (run.blocked.length > 0) throw new Error(run.blocked.join('; '));
  if (run.left.memoryFrames > 0)
    throw new Error(`${run.left.memoryFrames} frames of memory are nobody’s`);
  const counters: Record<string, number> = {};
  for (const its of Object.values(run.counters)) {
    options.onCounters?.(its);
    for (const [name, count] of Object.entries(its)) {
      counters[name] = (counters[name] ?? 0) + count;
    }
  }
  return { a: run.values[0] as A, b: run.values[1] as B, counters, now: run.lastEvent };
}

/** What a side does that only answers: it is there until the other one has come to the same point. */
export const answers = async (side: Side): Promise<void> => side.meet();

async function open(core: Core, options: PairOptions): Promise<Side> {
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const capacity = options.cqCapacity ?? 256;
  const sendCq = await context.createCq(capacity);
  const recvCq = await context.createCq(capacity);
  const region = await pd.registerMemory(
    await core.allocate(options.regionLength ?? 65536),
    options.regionAccess ?? EVERYTHING,
  );
  const cap = { ...CAP, ...options.cap };
  const qp = await pd.createQp({ sendCq, recvCq, cap, sqSigAll: options.sqSigAll ?? false });
  const peer = 1 - core.rank;
  const attributes = { ...DEFAULTS, ...options.qp, ...options.qpOf?.[core.rank] };
  const own = { host: core.host, qpNum: qp.qpNum, address: region.address, rkey: region.rkey };
  await core.tell(peer, { ...own, sqPsn: attributes.sqPsn });
  const { sqPsn: rqPsn, ...remote } = (await core.hear(peer)) as Remote & { sqPsn: number };
  if (options.qpOf?.[core.rank]?.rqPsn === undefined) attributes.rqPsn = rqPsn;

  const completions = async (count: number, cq = sendCq): Promise<WorkCompletion[]> => {
    const all: WorkCompletion[] = [];
    while (all.length < count) all.push(...(await cq.busyPoll(count - all.length)));
    return all;
  };
  const to = (offset: number): { remoteAddress: number; rkey: Rkey } => ({
    remoteAddress: remote.address + offset,
    rkey: remote.rkey,
  });
  const side: Side = {
    core,
    context,
    pd,
    sendCq,
    recvCq,
    qp,
    region,
    remote,
    attributes,
    meet: async () => {
      await core.tell(peer, null);
      await core.hear(peer);
    },
    connect: async (which = qp, change = {}) => {
      await which.modify(toInit(attributes));
      await which.modify({ ...toRtr(attributes, remote), ...change });
      await which.modify(toRts(attributes));
    },
    completions,
    statuses: async (count, cq) => (await completions(count, cq)).map(({ status }) => status),
    send: async (request) => {
      qp.postSend(request);
      return (await completions(1))[0]!;
    },
    receive: (offset = 0, length = 0, wrId = 0) => {
      qp.postRecv({ wrId, sges: length === 0 ? [] : [region.sge(offset, length)] });
    },
    write: (offset, length, at = offset) => ({
      opcode: 'RDMA_WRITE',
      sges: [region.sge(offset, length)],
      ...to(at),
    }),
    read: (offset, length, at = offset) => ({
      opcode: 'RDMA_READ',
      sges: [region.sge(offset, length)],
      ...to(at),
    }),
    message: (offset, length) => ({ opcode: 'SEND', sges: [region.sge(offset, length)] }),
  };
  if (options.unconnected !== true) await side.connect();
  await side.meet();
  return side;
}

export const toInit = (a: Required<QpSettings>): QpAttributes => ({
  state: 'INIT',
  pkeyIndex: 0,
  port: 1,
  accessFlags: a.accessFlags,
});

export const toRtr = (
  a: Required<QpSettings>,
  remote: { host: number; qpNum: number },
): QpAttributes => ({
  state: 'RTR',
  ahHost: remote.host,
  pathMtu: a.pathMtu,
  destQpNum: remote.qpNum,
  rqPsn: a.rqPsn,
  maxDestRdAtomic: a.maxDestRdAtomic,
  minRnrTimer: a.minRnrTimer,
});

export const toRts = (a: Required<QpSettings>): QpAttributes => ({
  state: 'RTS',
  sqPsn: a.sqPsn,
  timeout: a.timeout,
  retryCnt: a.retryCnt,
  rnrRetry: a.rnrRetry,
  maxRdAtomic: a.maxRdAtomic,
});

/** Fills part of a region with bytes that differ by place. */
export function fill(region: MemoryRegion, offset: number, length: number, seed = 1): void {
  for (let i = 0; i < length; i++) region.bytes[offset + i] = (seed + (offset + i) * 7) & 0xff;
}
