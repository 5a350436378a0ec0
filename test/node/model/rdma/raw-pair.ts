/** Programs on hosts of their own, each with a queue of raw frames: what tests of them begin with. */
import type {
  CompletionQueue,
  Core,
  MemoryRegion,
  ProtectionDomain,
  QpCapabilities,
  QueuePair,
  Sge,
  WorkCompletion,
} from '../../../../node/program/verbs.js';
import { ACCESS } from '../../../../node/program/verbs.js';
import { hostMac } from '../../../../units/address.js';
import { runEmbedded, type ClusterOptions, type EmbeddedRun } from '../../../embedded.js';

export interface RawSide {
  readonly core: Core;
  readonly pd: ProtectionDomain;
  readonly qp: QueuePair;
  readonly cq: CompletionQueue;
  /** Frames to send lie in the first half, receives are posted in the second. */
  readonly region: MemoryRegion;
  /** Writes a frame to `to` (a host, or six bytes) at the region's `offset`; an SGE of it. */
  readonly frame: (to: number | Uint8Array, length: number, offset?: number) => Sge;
  readonly receive: (offset: number, length?: number, wrId?: number) => void;
  readonly completions: (count: number) => Promise<WorkCompletion[]>;
  /** Every rank has come this far. */
  readonly meet: () => Promise<void>;
}

interface RawOptions extends ClusterOptions {
  readonly cap?: Partial<QpCapabilities>;
  readonly regionLength?: number;
  /** Whether ranks wait for each other before they begin. Default true. */
  readonly meets?: boolean;
}

const LOCAL_EXPERIMENTS = 0x88b5;

/** Runs one program per host; by rank. Throws if one fails or never ends. */
export async function rawHosts(
  options: RawOptions,
  ...programs: ((side: RawSide) => Promise<unknown>)[]
): Promise<EmbeddedRun> {
  const run = await runEmbedded({
    noise: false,
    ...options,
    hosts: programs.length,
    program: async (core) => programs[core.rank]!(await openRaw(core, options)),
  });
  if (run.failure !== null) throw new Error(run.failure.stack);
  if (run.blocked.length > 0) throw new Error(run.blocked.join('; '));
  return run;
}

export async function openRaw(core: Core, options: RawOptions = {}): Promise<RawSide> {
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const cq = await context.createCq(1024);
  const length = options.regionLength ?? 65536;
  const region = await pd.registerMemory(await core.allocate(length), ACCESS.LOCAL_WRITE);
  const cap = { maxSendWr: 128, maxRecvWr: 256, maxSendSge: 4, maxInlineData: 200, ...options.cap };
  const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap });
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
  await qp.attachFlow({});
  const side: RawSide = {
    core,
    pd,
    qp,
    cq,
    region,
    frame: (to, size, offset = 0) => {
      const { bytes } = region;
      for (let i = 0; i < size; i++) bytes[offset + i] = (offset + i * 7 + core.rank) & 0xff;
      bytes.set(typeof to === 'number' ? hostMac(to) : to, offset);
      bytes.set(hostMac(core.host), offset + 6);
      bytes[offset + 12] = LOCAL_EXPERIMENTS >> 8;
      bytes[offset + 13] = LOCAL_EXPERIMENTS & 0xff;
      return region.sge(offset, size);
    },
    receive: (offset, size = 2048, wrId = offset) => {
      qp.postRecv({ wrId, sges: [region.sge(length / 2 + offset, size)] });
    },
    completions: async (count) => {
      const all: WorkCompletion[] = [];
      while (all.length < count) all.push(...(await cq.busyPoll(count - all.length)));
      return all;
    },
    meet: async () => {
      for (let rank = 0; rank < core.ranks; rank++)
        if (rank !== core.rank) await core.tell(rank, null);
      for (let rank = 0; rank < core.ranks; rank++) if (rank !== core.rank) await core.hear(rank);
    },
  };
  if (options.meets !== false) await side.meet();
  return side;
}
