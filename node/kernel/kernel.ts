/**
 * One kernel: a host's own, or a virtual machine's. It constructs its parts and connects them: cores, the driver of its
 * network function, the protocols, the sockets.
 */
import { RandomStream } from '../../sim/random.js';
import type { EventSink, Scheduler } from '../../sim/scheduler.js';
import { KERNEL_UNIT, Sequencer } from '../../sim/sequencer.js';
import { STAGE } from '../../sim/stages.js';
import { ETHERNET_LENGTH } from '../../wire/ethernet.js';
import { PROTOCOL_TCP } from '../../wire/ipv4.js';
import type { FramePool } from '../link/frame-pool.js';
import { IpStack } from '../net/ip-stack.js';
import type { DmaEngine } from '../nic/dma-engine.js';
import type { EthernetReceiver } from '../nic/ethernet-receiver.js';
import { FrameQueue, type FrameQueueParts } from '../nic/frame-queue.js';
import type { NetworkFunction } from '../nic/network-function.js';
import { ReceiveSteering, type SteeringMode } from '../nic/receive-steering.js';
import type { Profile } from '../profile.js';
import type { FlowCache } from './flow-cache.js';
import { KernelContext } from './kernel-context.js';
import type { KernelCore } from './kernel-core.js';
import { NapiQueue, type FrameHandler } from './napi-queue.js';
import { NetworkDevice } from './network-device.js';
import { SocketLayer } from './socket-layer.js';
import type { UserMemory } from './user-memory.js';

const IP_PROTOCOL_AT = ETHERNET_LENGTH + 9;

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
  readonly nic: FrameQueueParts & { readonly dma: DmaEngine; readonly sequencer: Sequencer };
  readonly receiver: EthernetReceiver;
  /** The cores that are its own, by their number in the host. */
  readonly cores: readonly (KernelCore | undefined)[];
  readonly sequencer: Sequencer;
  readonly queues: number;
  /** Which flows are warm in which core of the host. */
  readonly flows: FlowCache;
  /** Picoseconds per byte that its frames are apart at the least; 0 for no limit. */
  readonly rate: number;
}

export class Kernel implements FrameHandler, EventSink {
  readonly sockets: SocketLayer;
  readonly stack: IpStack;
  readonly device: NetworkDevice;
  readonly queues: readonly NapiQueue[];
  readonly networkFunction: NetworkFunction;
  private readonly context: KernelContext;
  private readonly options: KernelOptions;
  private readonly sink: number;
  private timerAt = Infinity;
  private readonly flowNumbers = new Map<number, number>();

  constructor(options: KernelOptions) {
    const { host, number, seed, profile, scheduler, pool, nic, cores, sequencer } = options;
    this.options = options;
    const random = new RandomStream(seed, `host${host}/kernel${number}`);
    const context = new KernelContext(random);
    this.context = context;
    this.sink = scheduler.register(this);
    const own = cores.filter((core) => core !== undefined);
    this.sockets = new SocketLayer({
      profile,
      scheduler,
      sequencer,
      random,
      context,
      cores,
      memory: options.memory,
      flows: options.flows,
      timersChanged: () => {
        this.arrangeTimer();
      },
    });
    const sends = cores.map((core) => {
      if (core === undefined) return undefined;
      const queue = new FrameQueue(nic, profile.kernel.ringSize, options.rate);
      queue.onRoom = () => {
        this.roomAgain();
      };
      return queue;
    });
    const stream = new RandomStream(seed, `host${host}/kernel${number}/protocols`);
    this.device = new NetworkDevice(profile, pool, context, stream, sends);
    const { mac, ipv4, vlan } = options;
    const stackOptions = { mac, ipv4, mtu: profile.kernel.mtu, ...(vlan > 0 && { vlan }) };
    this.stack = new IpStack(stackOptions, this.device, this.sockets);
    this.sockets.stack = this.stack;

    const napiParts = { profile, scheduler, sequencer, pool, context, random, handler: this };
    this.queues = Array.from(
      { length: options.queues },
      (_, index) =>
        new NapiQueue(index, own[index % own.length]!, napiParts, { ...nic, scheduler }),
    );
    this.networkFunction = {
      number,
      mac,
      vlan,
      rings: this.queues.map(({ ring }) => ring),
      steering: new ReceiveSteering({
        mode: 'rss' satisfies SteeringMode,
        queues: options.queues,
        rules: profile.nic.flowRules,
        learned: profile.kernel.rfsFlows,
        idle: profile.kernel.rfsIdle,
      }),
    };
    options.receiver.functions.push(this.networkFunction);
  }

  get cores(): readonly (KernelCore | undefined)[] {
    return this.options.cores;
  }

  get flows(): FlowCache {
    return this.options.flows;
  }

  /** A frame goes up the stack, on the context's core. */
  frame(slot: number, queue: NapiQueue): void {
    const { context, sockets } = this;
    const { profile, pool } = this.options;
    const start = pool.start[slot]!;
    context.spend(profile.kernel.stackIn, STAGE.stack);
    if (pool.view.getUint8(start + IP_PROTOCOL_AT) === PROTOCOL_TCP) {
      context.spend(profile.kernel.tcpIn, STAGE.stack);
    }
    const flow = this.flowOf(queue.hash);
    context.pass(this.options.flows.touch(context.core, flow), STAGE.stack);
    if (this.networkFunction.steering.mode === 'rfs') this.steerToProgram(slot, queue);
    sockets.arriving = queue;
    sockets.arrivingFlow = flow;
    const { bytes, view, suspect } = pool;
    const length = pool.length[slot]!;
    this.stack.input(bytes, view, start, length, context.time, suspect[slot] === 1);
    sockets.arriving = undefined;
    pool.release(slot);
    this.arrangeTimer();
  }

  /** A small number for the flow of that hash. */
  private flowOf(hash: number): number {
    let flow = this.flowNumbers.get(hash);
    if (flow === undefined) {
      flow = this.flowNumbers.size;
      this.flowNumbers.set(hash, flow);
    }
    return flow;
  }

  /** Accelerated RFS: a flow whose program last read it on another core is to come to that core's queue. */
  private steerToProgram(slot: number, queue: NapiQueue): void {
    const { pool, scheduler } = this.options;
    const core = this.sockets.readers.get(this.flowOf(queue.hash));
    if (core === undefined || core === queue.core.index) return;
    const to = this.queues.findIndex((each) => each.core.index === core);
    if (to < 0) return;
    const { flow, learned } = this.networkFunction.steering;
    flow.parse(pool.view, pool.start[slot]!, pool.length[slot]!);
    learned.learn(flow, to, scheduler.now);
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

export const kernelSequencer = (host: number): Sequencer => new Sequencer(host, KERNEL_UNIT);
