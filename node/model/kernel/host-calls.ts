/**
 * The host's side of the calls: it makes, changes and destroys what programs ask for, and answers with the errno that
 * libibverbs would give. What each call costs the core is answered with it.
 */
import type { ChainRows } from '../../../sim/chain-rows.js';
import { NO_FRAME, type FrameNumber } from '../memory/frame-number.js';
import { NO_PAGE, OWNER_KERNEL } from '../memory/frame-table.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { Nic } from '../nic.js';
import type { Profile } from '../../spec/profile.js';
import { CQ_RECORD_SIZE, CQE_SIZE } from '../rdma/completion-entry.js';
import { NOTIFY, type CompletionQueue } from '../rdma/completion-queue.js';
import type { QueuePair } from '../rdma/queue-pair.js';
import { MOST_OVERHEAD } from '../rdma/raw-frame.js';
import { ReceiveQueue } from '../rdma/receive-queue.js';
import { SendQueue } from '../rdma/send-queue.js';
import { isQueuePairType, TRANSPORTS } from '../rdma/transports.js';
import { receiveEntrySize, sendEntrySize } from '../rdma/work-queue-entry.js';
import { VerbsError } from '../../spec/verbs-error.js';
import { AttachedFlows } from './attached-flows.js';
import { CallBill } from './call-bill.js';
import { changeDevice, deviceStatistics } from './device-settings.js';
import type { Kernel } from './kernel.js';
import type {
  CallAnswer,
  CallArguments,
  CallName,
  CallOutcome,
  CqPlace,
  QpPlace,
  WireCap,
} from '../../program/mailbox/calls.js';
import { DmaCalls } from './dma-calls.js';
import { mapForKernel, unmapForKernel } from './kernel-mappings.js';
import type { MemoryCalls } from './memory-calls.js';
import type { Process, Processes } from './processes.js';
import { describeQp, modifyQp } from './queue-pair-attributes.js';
import { TakenPorts } from './taken-ports.js';
import { RegionCalls } from './region-calls.js';

/** What the kernel does for the calls beyond the NIC. */
export interface HostServices {
  readonly hosts: number;
  readonly mtu: number;
  readonly profile: Profile;
  readonly nic: Nic;
  readonly memory: PhysicalMemory;
  readonly processes: Processes;
  /** For the chains of CQEs; a CQ that finds no room does without. */
  readonly chainRows: ChainRows;
  /** The kernel that core `core` runs under. */
  kernel(core: number): Kernel;
  /** Sends a value to a rank; false if there is none of that number. */
  tell(core: number, rank: number, value: unknown): boolean;
}

type Handler<N extends CallName> = (
  args: CallArguments<N>,
  core: number,
  bill: CallBill,
) => CallAnswer<N>;
type Handlers = { readonly [N in CallName]: Handler<N> };

/** Frames that a queue's ring lies in. */
interface RingFrames {
  readonly first: FrameNumber;
  readonly count: number;
}

export class HostCalls {
  private readonly services: HostServices;
  private readonly memory: MemoryCalls;
  private readonly regions: RegionCalls;
  private readonly dma: DmaCalls;
  private readonly cqOwners = new Map<CompletionQueue, Process>();
  /** Queue pairs by the core that made them, for the clean-up when its program ends. */
  private readonly owners = new Map<QueuePair, number>();
  private readonly flows = new AttachedFlows();
  private readonly ports = new TakenPorts(this.flows);
  /** The memory that a queue's rings lie in: the kernel's, mapped to the process. */
  private readonly queueMemories = new Map<QueuePair | CompletionQueue, readonly RingFrames[]>();

  constructor(services: HostServices, memory: MemoryCalls) {
    this.services = services;
    this.memory = memory;
    this.regions = new RegionCalls(services);
    this.dma = new DmaCalls(services, memory);
    this.handlers = {
      ...this.deviceHandlers,
      ...memory.handlers,
      ...this.regions.handlers,
      ...this.dma.handlers,
    };
  }

  /**
   * Executes one call of core `core`; the answer, and what it costs the core beyond entering the kernel, if it did
   * that.
   */
  execute(
    core: number,
    name: string,
    args: unknown,
  ): { outcome: CallOutcome; cost: number; entered: boolean } {
    const bill = new CallBill();
    const outcome = this.outcomeOf(core, name, args, bill);
    return { outcome, cost: bill.cost, entered: bill.entered };
  }

  private outcomeOf(core: number, name: string, args: unknown, bill: CallBill): CallOutcome {
    if (!Object.hasOwn(this.handlers, name)) {
      return { errno: 'EINVAL', message: `no call named ${name}` };
    }
    const handler = this.handlers[name as CallName] as unknown as (
      args: unknown,
      core: number,
      bill: CallBill,
    ) => unknown;
    try {
      checkStructures(args);
      return { ok: handler(args, core, bill) };
    } catch (error) {
      if (!(error instanceof VerbsError)) throw error;
      const message = error.message.slice(error.code.length + 2);
      return { errno: error.code, message };
    }
  }

  /** A core's program is over: the kernel destroys what it left behind, and with the last one the process's. */
  release(core: number): void {
    for (const [qp, owner] of [...this.owners]) if (owner === core) this.destroyQp(qp);
    this.memory.segmentEnded(core);
    const process = this.services.processes.of(core);
    if (--process.running > 0) return;
    for (const [queue, owner] of [...this.cqOwners]) if (owner === process) this.destroyCq(queue);
    this.regions.release(process);
    this.dma.release(process);
    this.memory.release(process);
  }

  /** Core `core` has ended its segment. */
  segmentEnded(core: number): void {
    this.memory.segmentEnded(core);
  }

  completionQueue(number: number): CompletionQueue {
    const queue = this.services.nic.engine.completionQueues[number];
    if (queue === undefined) throw new VerbsError('EINVAL', `no completion queue ${number}`);
    return queue;
  }

  private readonly handlers: Handlers;

  private readonly deviceHandlers: Omit<
    Handlers,
    keyof MemoryCalls['handlers'] | keyof RegionCalls['handlers'] | keyof DmaCalls['handlers']
  > = {
    queryDevice: () => {
      const { nic } = this.services.profile;
      return {
        maxQp: nic.maxQp,
        maxQpWr: nic.maxQpWr,
        maxSge: nic.maxSge,
        maxCqe: nic.maxCqe,
        maxInlineData: nic.maxInline,
        maxQpRdAtom: nic.maxRdAtomic,
        activeMtu: this.services.mtu,
      };
    },
    createCq: ({ capacity }, core) => this.createCq(capacity, core),
    destroyCq: ({ cq }, core) => {
      const queue = this.ownQueue(cq, core);
      if (queue.users > 0) throw new VerbsError('EBUSY', `completion queue ${cq} is in use`);
      this.destroyCq(queue);
      return null;
    },
    requestNotify: ({ cq, solicitedOnly }, core) => {
      this.ownQueue(cq, core).requestNotify(solicitedOnly ? NOTIFY.solicited : NOTIFY.any);
      return null;
    },
    createQp: (args, core) => this.createQp(args, core),
    modifyQp: (args, core, bill) => {
      const qp = this.ownPair(args.qp, core);
      modifyQp(qp, args, this.services);
      if (qp.state === 'RESET' || qp.state === 'ERR') bill.cost += this.services.nic.commandTime;
      return null;
    },
    queryQp: ({ qp }, core) => describeQp(this.ownPair(qp, core)),
    destroyQp: ({ qp }, core, bill) => {
      this.destroyQp(this.ownPair(qp, core));
      bill.cost += this.services.nic.commandTime;
      return null;
    },
    attachFlow: ({ qp, rule }, core) => {
      if (this.ownPair(qp, core).kind.carries !== 'frames') {
        throw new VerbsError('EOPNOTSUPP', 'a flow needs a raw packet queue pair');
      }
      const { steering } = this.services.kernel(core).networkFunction;
      return { flow: this.flows.attach(qp, steering, rule) };
    },
    detachFlow: ({ flow }, core) => {
      const qp = this.flows.queueOf(flow);
      if (qp === undefined || !this.owns(qp, core)) {
        throw new VerbsError('EINVAL', `no flow ${flow}`);
      }
      this.flows.detach(flow);
      return null;
    },
    interfaceAddress: (_args, core) => this.services.kernel(core).address,
    neighbour: ({ ipv4 }, core) => ({ mac: this.services.kernel(core).neighbour(ipv4, core) }),
    takePort: ({ qp, protocol, port }, core) => {
      if (this.ownPair(qp, core).kind.carries !== 'frames') {
        throw new VerbsError('EOPNOTSUPP', 'a port needs a raw packet queue pair');
      }
      return this.ports.take(qp, this.services.kernel(core), protocol, port);
    },
    givePort: ({ handle }, core) => {
      this.ownPair(this.ports.queuePair(handle), core);
      this.ports.give(handle);
      return null;
    },
    changeDevice: ({ change }, core) => changeDevice(this.services.kernel(core), change),
    deviceStatistics: (_args, core) => deviceStatistics(this.services.kernel(core)),
    tell: ({ rank, value }, core) => {
      if (!this.services.tell(core, rank, value)) {
        throw new VerbsError('EINVAL', `no rank ${rank} in this run`);
      }
      return null;
    },
  };

  /** A handle of another process is as good as none. */
  private ownQueue(cq: number, core: number): CompletionQueue {
    const queue = this.completionQueue(cq);
    if (this.cqOwners.get(queue) !== this.services.processes.of(core)) {
      throw new VerbsError('EINVAL', `no completion queue ${cq}`);
    }
    return queue;
  }

  private ownPair(index: number, core: number): QueuePair {
    const qp = this.pairAt(index);
    if (qp === undefined || !this.owns(index, core)) {
      throw new VerbsError('EINVAL', `no queue pair ${index}`);
    }
    return qp;
  }

  /** Whether the queue pair at `index` is of the process that core `core` runs. */
  private owns(index: number, core: number): boolean {
    const { processes } = this.services;
    const qp = this.pairAt(index);
    const owner = qp === undefined ? undefined : this.owners.get(qp);
    return owner !== undefined && processes.of(owner) === processes.of(core);
  }

  private pairAt(index: number): QueuePair | undefined {
    return this.services.nic.engine.queuePairs[index];
  }

  /** Memory for the rings of one queue, zeroed and never replaced: where each begins, or ENOMEM and none. */
  private queueMemory(core: number, lengths: readonly number[]): RingFrames[] {
    const { pager } = this.services.processes.of(core).space;
    const { iommu } = this.services.nic.parts;
    const rings: RingFrames[] = [];
    for (const length of lengths) {
      const count = Math.ceil(length / PAGE_SIZE);
      const first = pager.run(count, 1, OWNER_KERNEL, NO_PAGE);
      if (first === NO_FRAME) {
        for (const ring of rings) this.releaseRing(ring);
        throw new VerbsError('ENOMEM', `the host has no ${length} bytes of memory left`);
      }
      rings.push({ first, count });
      if (iommu !== null) mapForKernel(iommu, framesOf({ first, count }), false);
    }
    return rings;
  }

  private releaseQueue(queue: QueuePair | CompletionQueue): void {
    for (const ring of this.queueMemories.get(queue) ?? []) this.releaseRing(ring);
    this.queueMemories.delete(queue);
  }

  private releaseRing(ring: RingFrames): void {
    const { memory, nic } = this.services;
    const { iommu } = nic.parts;
    if (iommu !== null) unmapForKernel(iommu, framesOf(ring), false);
    memory.release(ring.first, ring.count);
  }

  private destroyCq(queue: CompletionQueue): void {
    queue.destroyed = true;
    this.services.nic.engine.completionQueues[queue.number] = undefined;
    this.cqOwners.delete(queue);
    if (queue.chainRow >= 0) this.services.chainRows.release(queue.chainRow, queue.capacity);
    this.releaseQueue(queue);
  }

  private destroyQp(qp: QueuePair): void {
    this.ports.release(qp.index);
    this.flows.release(qp.index);
    this.services.nic.engine.destroyQp(qp);
    this.owners.delete(qp);
    this.releaseQueue(qp);
  }

  private createCq(capacity: number, core: number): CqPlace {
    const { nic, profile } = this.services;
    const { maxCqe } = profile.nic;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > maxCqe) {
      throw new VerbsError('EINVAL', `a completion queue of ${capacity} entries (1 to ${maxCqe})`);
    }
    const rings = this.queueMemory(core, [capacity * CQE_SIZE, CQ_RECORD_SIZE]);
    const [ring, record] = rings.map(({ first }) => first * PAGE_SIZE) as [number, number];
    const chainRow = this.services.chainRows.claim(capacity);
    const queue = nic.engine.createCq(capacity, ring, record, chainRow);
    this.queueMemories.set(queue, rings);
    this.cqOwners.set(queue, this.services.processes.of(core));
    return { number: queue.number, capacity, ring, record, chainRow };
  }

  private createQp(args: CallArguments<'createQp'>, core: number): QpPlace {
    const { nic, profile } = this.services;
    const { type } = args;
    if (!isQueuePairType(type)) {
      throw new VerbsError('EOPNOTSUPP', `queue pair type ${args.type}`);
    }
    const raw = TRANSPORTS[type].carries === 'frames';
    const { networkFunction } = this.services.kernel(core);
    if (raw && !nic.ethernet.functions.includes(networkFunction)) {
      throw new VerbsError('EOPNOTSUPP', 'this virtual machine has no function of the NIC');
    }
    if (args.busAddresses && !raw) {
      throw new VerbsError('EINVAL', `bus addresses on an ${type} queue pair`);
    }
    this.regions.checkPd(args.pd, core);
    if (nic.engine.liveQueuePairs >= profile.nic.maxQp) {
      throw new VerbsError('ENOMEM', `the device has ${profile.nic.maxQp} queue pairs`);
    }
    const cap = this.grantCap(args.cap);
    const { bypass, kernel } = profile;
    const longest = kernel.mtu + MOST_OVERHEAD;
    const pushes = raw && !args.busAddresses && bypass.push === 'on';
    const inline = pushes ? Math.max(cap.maxInlineData, longest) : cap.maxInlineData;
    const sendStride = sendEntrySize(cap.maxSendSge, inline);
    const receiveStride = receiveEntrySize(cap.maxRecvSge);
    const sendDepth = Math.max(cap.maxSendWr, 1);
    const receiveDepth = Math.max(cap.maxRecvWr, 1);
    const sendCq = this.ownQueue(args.sendCq, core);
    const recvCq = this.ownQueue(args.recvCq, core);
    const rings = this.queueMemory(core, [sendStride * sendDepth, receiveStride * receiveDepth]);
    const [sends, receives] = rings.map(({ first }) => first * PAGE_SIZE) as [number, number];
    const qp = nic.engine.createQp(TRANSPORTS[type], {
      pd: args.pd,
      sendCq,
      recvCq,
      sqSigAll: args.sqSigAll,
      sends: new SendQueue(sends, sendStride, sendDepth, nic.parts.pool.chainLog),
      receives: new ReceiveQueue(receives, receiveStride, receiveDepth, cap.maxRecvSge),
      bus: args.busAddresses ? this.dma.master(core) : null,
      machine: networkFunction.number > 0 ? networkFunction : null,
    });
    this.owners.set(qp, core);
    this.queueMemories.set(qp, rings);
    return {
      index: qp.index,
      number: qp.number,
      type,
      cap,
      sends: { base: sends, stride: sendStride, depth: sendDepth },
      receives: { base: receives, stride: receiveStride, depth: receiveDepth },
      ...(pushes ? { push: { block: bypass.pushBlock, longest } } : {}),
    };
  }

  /** What the queue pair gets: at least what was asked for, or EINVAL beyond the device's limits (rules 8-10). */
  private grantCap(asked: WireCap): WireCap {
    const { nic } = this.services.profile;
    const limits: Readonly<Record<keyof WireCap, number>> = {
      maxSendWr: nic.maxQpWr,
      maxRecvWr: nic.maxQpWr,
      maxSendSge: nic.maxSge,
      maxRecvSge: nic.maxSge,
      maxInlineData: nic.maxInline,
    };
    for (const [name, limit] of Object.entries(limits) as [keyof WireCap, number][]) {
      const value = asked[name];
      if (!Number.isInteger(value) || value < 0 || value > limit) {
        throw new VerbsError('EINVAL', `${name} ${value} (0 to ${limit})`);
      }
    }
    return asked;
  }
}

/** Arguments that are structures of their own: a pointer to nothing is EFAULT. */
const STRUCTURES = ['rule', 'change', 'cap', 'attributes'] as const;

function checkStructures(args: unknown): void {
  const given = args as Readonly<Record<string, unknown>>;
  for (const name of STRUCTURES) {
    if (!Object.hasOwn(given, name)) continue;
    const value = given[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new VerbsError('EFAULT', `${name} is not a structure`);
    }
  }
}

const framesOf = ({ first, count }: RingFrames): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => first + i);
