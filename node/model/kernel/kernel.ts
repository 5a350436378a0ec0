/**
 * One kernel: a host's own, or a virtual machine's. It constructs its parts and connects them: cores, the driver of its
 * network function, the protocols, the sockets.
 */
import { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import { IpStack } from '../net/ip-stack.js';
import type { DmaEngine } from '../nic/dma-engine.js';
import type { Iommu } from '../nic/iommu.js';
import type { NetworkFunction } from '../nic/network-function.js';
import type { RateLimit } from '../nic/rate-limit.js';
import { ReceiveSteering, type SteeringMode } from '../nic/receive-steering.js';
import type { Profile } from '../../spec/profile.js';
import type { FlowCache } from './flow-cache.js';
import { FlowNumbers } from './flow-numbers.js';
import { KernelContext } from './kernel-context.js';
import type { KernelCore } from './kernel-core.js';
import { NapiQueue, type FrameHandler, type InterruptPath } from './napi-queue.js';
import { NetworkDevice, type SendRing } from './network-device.js';
import { SocketLayer } from './socket-layer.js';
import type { UserMemory } from './user-memory.js';

export interface KernelOptions {
  readonly host: number;
  /** 0 for the host's own kernel, 1 + n for that of VM n. */
  readonly number: number;
  readonly mac: number;
  readonly ipv4: number;
  readonly vlan: number;
  readonly profile: Profile;
  readonly seed: number;
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  readonly memory: UserMemory;
  readonly dma: DmaEngine;
  readonly iommu: Iommu | null;
  /** The NIC's, for what its receive rings do; the kernel's. */
  readonly nicSequencer: Sequencer;
  /** The cores that are its own, by their number in the host. */
  readonly cores: readonly (KernelCore | undefined)[];
  readonly sequencer: Sequencer;
  /** The send queue of core `core`, which the kernel fills in `context`. */
  sendRing(core: number, context: KernelContext): SendRing;
  /** How interrupts get into a virtual machine; null on the bare host. */
  readonly interrupts: InterruptPath | null;
  /** Who takes what comes over the receive queues; undefined: the kernel itself. */
  readonly handler?: FrameHandler;
  readonly promiscuous: boolean;
  readonly limit: RateLimit | null;
  readonly queues: number;
  /** Which flows are warm in which core of the host. */
  readonly flows: FlowCache;
}

export class Kernel implements FrameHandler, EventSink {
  readonly sockets: SocketLayer;
  readonly stack: IpStack;
  readonly device: NetworkDevice;
  readonly queues: readonly NapiQueue[];
  readonly networkFunction: NetworkFunction;
  readonly context: KernelContext;
  private readonly options: KernelOptions;
  private readonly sink: number;
  private timerAt = Infinity;
  private readonly flowNumbers: FlowNumbers;
  /** By core: its queue, or -1. */
  private readonly queueOfCore: Int32Array;

  constructor(options: KernelOptions) {
    const { host, number, seed, profile, scheduler, pool, cores, sequencer } = options;
    this.options = options;
    const random = new RandomStream(seed, `host${host}/kernel${number}`);
    const context = new KernelContext(random);
    this.context = context;
    this.sink = scheduler.register(this);
    const own = cores.filter((core) => core !== undefined);
    const { flows } = options;
    this.flowNumbers = new FlowNumbers(() => flows.newFlow());
    this.sockets = new SocketLayer({
      profile,
      scheduler,
      sequencer,
      random,
      context,
      cores,
      memory: options.memory,
      flows,
      flowNumbers: this.flowNumbers,
      timersChanged: () => {
        this.arrangeTimer();
      },
    });
    const { mac, ipv4, vlan } = options;
    const sends = cores.map((core) => {
      if (core === undefined) return undefined;
      const ring = options.sendRing(core.index, context);
      ring.onRoom = () => {
        this.roomAgain();
      };
      return ring;
    });
    const stream = new RandomStream(seed, `host${host}/kernel${number}/protocols`);
    this.device = new NetworkDevice(profile, pool, context, stream, sends, vlan);
    const stackOptions = { mac, ipv4, mtu: profile.kernel.mtu, ...(vlan > 0 && { vlan }) };
    this.stack = new IpStack(stackOptions, this.device, this.sockets);
    this.sockets.stack = this.stack;

    const { interrupts, dma, iommu, nicSequencer, handler = this } = options;
    const napiParts = { profile, scheduler, sequencer, pool, context, random, handler, interrupts };
    const ringParts = { scheduler, sequencer: nicSequencer, pool, dma, iommu };
    this.queues = Array.from(
      { length: options.queues },
      (_, index) => new NapiQueue(index, own[index % own.length]!, napiParts, ringParts),
    );
    this.queueOfCore = new Int32Array(cores.length).fill(-1);
    for (const { ring, core } of [...this.queues].reverse()) {
      this.queueOfCore[core.index] = ring.index;
    }
    const rings = this.queues.map(({ ring }) => ring);
    this.networkFunction = {
      number,
      mac,
      vlan,
      promiscuous: options.promiscuous,
      limit: options.limit,
      rings,
      steering: new ReceiveSteering({
        mode: 'rss' satisfies SteeringMode,
        queues: options.queues,
        rules: profile.nic.flowRules,
        learned: profile.kernel.rfsFlows,
        idle: profile.kernel.rfsIdle,
        positions: rings,
      }),
    };
  }

  /** The interface as `ip address` shows it; VLAN 0 for none. */
  get address(): { mac: number; ipv4: number; vlan: number; mtu: number } {
    const { mac, ipv4, vlan, profile } = this.options;
    return { mac, ipv4, vlan, mtu: profile.kernel.mtu };
  }

  /** The MAC of a neighbour, for a program that runs its own protocols; -1 while it is being asked for. */
  neighbour(ipv4: number, core: number): number {
    const start = this.cores[core]!.from(this.options.scheduler.now);
    this.context.begin(core, start);
    const mac = this.stack.neighbour(ipv4, start);
    this.arrangeTimer();
    return mac;
  }

  get cores(): readonly (KernelCore | undefined)[] {
    return this.options.cores;
  }

  get now(): number {
    return this.options.scheduler.now;
  }

  get flows(): FlowCache {
    return this.options.flows;
  }

  /**
   * A frame that a poll took, on the context's core: it joins those before it, waits for those behind it, or goes up
   * alone.
   */
  frame(slot: FrameSlot, queue: NapiQueue): void {
    const { context } = this;
    const { held } = queue;
    const { pool, profile } = this.options;
    const { offloads, groFrame } = profile.kernel;
    if (offloads === 'off') {
      this.goUp(slot, queue);
      return;
    }
    if (held.append(slot)) {
      context.spend(groFrame, STAGE.stack);
      if (held.isComplete) this.flush(queue);
      return;
    }
    this.flush(queue);
    context.resume(pool.chains, slot, STAGE.softirq);
    if (held.begin(slot, queue.hash)) context.spend(groFrame, STAGE.stack);
    else this.goUp(slot, queue);
  }

  /** What a queue holds goes up as one frame. Each of them has paid for the driver and GRO: the first pays the rest. */
  flush(queue: NapiQueue): void {
    const { held } = queue;
    if (held.count === 0) return;
    const { profile, pool } = this.options;
    const { slot, bytes, view, length, segment } = held;
    held.count = 0;
    this.context.resume(pool.chains, slot, STAGE.softirq);
    this.enter(slot, queue, held.hash, profile.kernel.groFrame.ps);
    this.stack.input(bytes, view, 0, length, this.context.time, false, segment);
    this.leave(slot);
  }

  /** A frame goes up the stack alone, on the context's core. */
  goUp(slot: FrameSlot, queue: NapiQueue): void {
    const { bytes, view, frames } = this.options.pool;
    this.enter(slot, queue, queue.hash, 0);
    const { time } = this.context;
    const { start, length, suspect } = frames[slot]!;
    this.stack.input(bytes, view, start, length, time, suspect);
    this.leave(slot);
  }

  /** Up to the protocols; `paid` of it is paid. */
  private enter(slot: FrameSlot, queue: NapiQueue, hash: number, paid: number): void {
    const { context, sockets } = this;
    const { stackIn, tcpIn } = this.options.profile.kernel;
    context.spend(stackIn, STAGE.stack, paid);
    if (this.device.carriesTcp(slot)) context.spend(tcpIn, STAGE.stack);
    const flow = this.flowNumbers.of(hash);
    context.pass(this.options.flows.touch(context.core, flow), STAGE.stack);
    if (this.networkFunction.steering.mode === 'rfs') this.steerToProgram(slot, queue, flow);
    sockets.arriving = queue;
    sockets.arrivingFlow = flow;
  }

  private leave(slot: FrameSlot): void {
    this.sockets.arriving = undefined;
    this.options.pool.release(slot);
    this.arrangeTimer();
  }

  /**
   * Accelerated RFS: a flow whose program last read it on another core is to come to that core's queue. The NIC lets it
   * go there when the present queue holds no frame of it any more.
   */
  private steerToProgram(slot: FrameSlot, { ring, core }: NapiQueue, flow: number): void {
    const { pool, scheduler } = this.options;
    const reader = this.flowNumbers.readerOf(flow);
    if (reader < 0 || reader === core.index) return;
    const to = this.queueOfCore[reader]!;
    if (to < 0) return;
    const { flow: tuple, learned } = this.networkFunction.steering;
    const { start, length } = pool.frames[slot]!;
    tuple.parse(pool.view, start, length);
    learned.learn(tuple, to, scheduler.now, ring.index);
  }

  /** A time-out of the protocols. */
  handle(): void {
    const { scheduler, cores } = this.options;
    const { now } = scheduler;
    if (now < this.timerAt) return;
    this.timerAt = Infinity;
    const core = cores.find((each) => each !== undefined)!;
    const start = core.from(now);
    this.context.begin(core.index, start);
    this.stack.timers(now);
    if (this.context.time > start) core.worked(start, this.context.time);
    this.arrangeTimer();
  }

  private arrangeTimer(): void {
    const { scheduler, sequencer } = this.options;
    const due = this.stack.nextTimer();
    if (due >= this.timerAt) return;
    this.timerAt = due > scheduler.now ? due : scheduler.now;
    scheduler.at(this.timerAt, sequencer.key(), this.sink, 0, 0);
  }

  private roomAgain(): void {
    const { scheduler, cores } = this.options;
    const core = cores.find((each) => each !== undefined)!;
    const start = core.from(scheduler.now);
    this.context.begin(core.index, start);
    this.stack.roomAgain(start);
    this.sockets.roomAgain();
    if (this.context.time > start) core.worked(start, this.context.time);
    this.arrangeTimer();
  }
}
