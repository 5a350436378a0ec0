/**
 * The host's software switch, for virtual machines that share the host's queues: it takes what comes over the host's
 * function, and what machines and the host itself send, and puts each frame where its MAC and VLAN say; a group's frame
 * everywhere. Every frame costs a core of the host its switching, and a copy out of the sender's memory and into the
 * receiver's, if that is a machine. The core is shared by all: who has to wait for it waits behind everybody's frames.
 *
 * Machines' queues are served in turn, a batch of each, as NAPI does. Not modelled: copies that a NIC or vhost avoids.
 */
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import { FrameAddress } from '../nic/frame-address.js';
import { takesFrame, type NetworkFunction } from '../nic/network-function.js';
import type { Profile } from '../../spec/profile.js';
import type { KernelCore } from './kernel-core.js';
import type { Kernel } from './kernel.js';
import type { FrameHandler, InterruptPath, NapiQueue } from './napi-queue.js';
import type { SendRing } from './network-device.js';
import type { RingServer, VirtioRing } from './virtio-ring.js';

/** Kinds of its events: a queue has frames, or has again; the next frame. */
const KICK = 0;
const SERVE = 1;

export interface SoftwareSwitchParts {
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly pool: FramePool;
  readonly random: RandomStream;
  /** The core of the host that serves machines' queues, and injects their interrupts. */
  readonly core: KernelCore;
}

export class SoftwareSwitch implements FrameHandler, EventSink, RingServer {
  /** Those of the machines: nothing of them is in the NIC. */
  readonly functions: NetworkFunction[] = [];
  /** Frames from machines that the host's send queue had no room for; and frames for nobody. */
  dropped = 0;
  unclaimed = 0;
  /** How an interrupt gets into a machine: the switch's core injects it, and the machine's core exits for it. */
  readonly interrupts: InterruptPath;
  private host!: Kernel;
  /** By core of the host: its own send queues. */
  private readonly uplinks: (SendRing | undefined)[] = [];
  /** Every queue that was ever told of, for the events' arguments; those with frames, in turn. */
  private readonly rings: VirtioRing[] = [];
  private readonly turn: VirtioRing[] = [];
  private serving = false;
  /** Frames taken of the queue whose turn it is. */
  private served = 0;
  /** When its core last woke up for queues. */
  private awakeAt = 0;
  private readonly address = new FrameAddress();
  private readonly sink: number;
  private readonly parts: SoftwareSwitchParts;

  constructor(parts: SoftwareSwitchParts) {
    this.parts = parts;
    this.sink = parts.scheduler.register(this);
    const { core, profile, random } = parts;
    this.interrupts = {
      entry: profile.vm.exit,
      reaches: (at) => {
        const start = core.from(at);
        const end = start + draw(profile.vm.inject, random);
        core.worked(start, end);
        return end;
      },
    };
  }

  /** The host's kernel, which takes frames for the host itself. */
  connect(host: Kernel): void {
    this.host = host;
  }

  /** Where the host's kernel has got to. */
  get time(): number {
    return this.host.context.time;
  }

  /** What the host's kernel sends on core `core` by way of `uplink`. */
  hostRing(core: number, uplink: SendRing): SendRing {
    this.uplinks[core] = uplink;
    return new SwitchedRing(this, uplink);
  }

  /** A frame came over the host's function. */
  frame(slot: FrameSlot, queue: NapiQueue): void {
    const { pool } = this.parts;
    const { address, host } = this;
    const { networkFunction } = host;
    this.read(slot);
    const forHost = takesFrame(networkFunction, address);
    if (!address.toGroup) {
      if (forHost) host.frame(slot, queue);
      else this.toMachine(slot, this.machine());
      return;
    }
    this.flood(slot);
    if (forHost) host.frame(slot, queue);
    else pool.release(slot);
  }

  flush(queue: NapiQueue): void {
    this.host.flush(queue);
  }

  /** The host's own kernel sends frame `slot`: true if it was for machines alone. */
  switched(slot: FrameSlot): boolean {
    const { address } = this;
    this.read(slot);
    if (address.toGroup) {
      this.flood(slot);
      return false;
    }
    const machine = this.machine();
    if (machine === undefined) return false;
    this.toMachine(slot, machine);
    return true;
  }

  kicked(ring: VirtioRing, at: number): void {
    const known = this.rings.indexOf(ring);
    const index = known < 0 ? this.rings.push(ring) - 1 : known;
    this.schedule(at, KICK, index);
  }

  handle(kind: number, argument: number): void {
    if (kind === SERVE) this.serve();
    else {
      this.turn.push(this.rings[argument]!);
      if (!this.serving) this.begin();
    }
  }

  /** The switch's core begins to serve queues after a pause. */
  private begin(): void {
    const { core, scheduler, profile, random } = this.parts;
    const { now } = scheduler;
    this.serving = true;
    this.awakeAt = core.from(now);
    if (core.asleep(now)) {
      this.awakeAt = now + draw(profile.kernel.idleExit, random);
      core.worked(now, this.awakeAt);
    }
    this.schedule(this.awakeAt, SERVE, 0);
  }

  /** Switches one frame of the queue whose turn it is; the next one when that is done. */
  private serve(): void {
    const { core, scheduler, pool } = this.parts;
    const start = core.from(scheduler.now);
    const ring = this.ringWithFrame(start);
    if (ring === undefined) {
      this.serving = false;
      return;
    }
    const slot = ring.take(start);
    pool.chains.advance(slot, STAGE.irq, this.awakeAt < start ? this.awakeAt : start);
    pool.chains.advance(slot, STAGE.softirq, start);
    const { context } = this.host;
    context.begin(core.index, start, pool.chains, slot);
    this.fromMachine(slot);
    core.worked(start, context.time);
    this.schedule(context.time, SERVE, 0);
    ring.makeRoom();
  }

  /** The queue in turn that has a frame at `at`; one that has none leaves the turn, until it has. */
  private ringWithFrame(at: number): VirtioRing | undefined {
    const { turn } = this;
    const { napiBudget } = this.parts.profile.kernel;
    for (;;) {
      const ring = turn[0];
      if (ring === undefined) return undefined;
      const { readyAt } = ring;
      if (readyAt <= at && this.served < napiBudget) {
        this.served++;
        return ring;
      }
      turn.shift();
      this.served = 0;
      if (readyAt <= at) turn.push(ring);
      // A frame is being put there now, or a rate limit holds it back: no notification is needed.
      else if (readyAt < Infinity) this.schedule(readyAt, KICK, this.rings.indexOf(ring));
      else ring.watched = false;
    }
  }

  /** Frame `slot` is in a machine's send queue. */
  private fromMachine(slot: FrameSlot): void {
    const { pool } = this.parts;
    const { address, host } = this;
    const { context } = host;
    this.copy(slot);
    this.read(slot);
    const forHost = takesFrame(host.networkFunction, address);
    if (address.toGroup) {
      this.flood(slot);
      if (forHost) this.toHost(pool.copy(slot));
    } else {
      const machine = this.machine();
      if (machine !== undefined) {
        this.toMachine(slot, machine);
        return;
      }
      this.pay(slot);
      if (forHost) {
        this.toHost(slot);
        return;
      }
    }
    const uplink = this.uplinks[context.core]!;
    if (uplink.full) {
      this.dropped++;
      pool.release(slot);
    } else {
      uplink.post(slot, context.time);
    }
  }

  /** Frame `slot` goes up the host's own stack, as if it had come over its first queue. */
  private toHost(slot: FrameSlot): void {
    const { pool } = this.parts;
    const { networkFunction, queues, context } = this.host;
    const { steering } = networkFunction;
    const { start, length } = pool.frames[slot]!;
    steering.steer(pool.view, start, length, context.time);
    const queue = queues[0]!;
    queue.hash = steering.hash;
    this.host.goUp(slot, queue);
  }

  /** Puts frame `slot` into `machine`; undefined: it is nobody's. */
  private toMachine(slot: FrameSlot, machine: NetworkFunction | undefined): void {
    this.pay(slot);
    if (machine !== undefined) {
      this.put(slot, machine);
      return;
    }
    this.unclaimed++;
    this.parts.pool.release(slot);
  }

  /** The machine that the frame just read is for, which is no group's. */
  private machine(): NetworkFunction | undefined {
    for (const each of this.functions) if (takesFrame(each, this.address)) return each;
    return undefined;
  }

  /** A copy of frame `slot` for every machine that it is for. The frame remains the caller's. */
  private flood(slot: FrameSlot): void {
    const { pool } = this.parts;
    this.pay(slot);
    for (const each of this.functions) {
      if (takesFrame(each, this.address)) this.put(pool.copy(slot), each);
    }
    pool.chains.advance(slot, STAGE.copy, this.time);
  }

  private put(slot: FrameSlot, { steering, rings }: NetworkFunction): void {
    const { pool } = this.parts;
    this.copy(slot);
    pool.chains.advance(slot, STAGE.copy, this.time);
    const { start, length } = pool.frames[slot]!;
    const target = steering.steer(pool.view, start, length, this.time);
    const ring = rings[target];
    if (ring === undefined) pool.release(slot);
    else ring.put(slot, steering.hash, this.time);
  }

  /** What switching a frame takes, whatever becomes of it. */
  private pay(slot: FrameSlot): void {
    this.host.context.spend(this.parts.profile.vm.switchFrame, STAGE.softirq);
    // The frame's own row is not always the one that the core works for.
    this.parts.pool.chains.advance(slot, STAGE.softirq, this.time);
  }

  /** The copy of a frame's bytes between a machine's memory and the host's. */
  private copy(slot: FrameSlot): void {
    const { pool, profile } = this.parts;
    const { length } = pool.frames[slot]!;
    this.host.context.pass(Math.ceil(length * profile.cpu.copy), STAGE.copy);
  }

  private read(slot: FrameSlot): void {
    const { pool } = this.parts;
    const { start, length } = pool.frames[slot]!;
    this.address.parse(pool.view, start, length);
  }

  private schedule(at: number, kind: number, argument: number): void {
    const { scheduler, sequencer } = this.parts;
    scheduler.at(at, sequencer.key(), this.sink, kind, argument);
  }
}

/** A send queue of the host's function, with the switch before it. */
class SwitchedRing implements SendRing {
  private readonly bridge: SoftwareSwitch;
  private readonly uplink: SendRing;

  constructor(bridge: SoftwareSwitch, uplink: SendRing) {
    this.bridge = bridge;
    this.uplink = uplink;
  }

  get full(): boolean {
    return this.uplink.full;
  }

  get onRoom(): (() => void) | undefined {
    return this.uplink.onRoom;
  }

  set onRoom(called: (() => void) | undefined) {
    this.uplink.onRoom = called;
  }

  post(slot: FrameSlot): void {
    if (!this.bridge.switched(slot)) this.uplink.post(slot, this.bridge.time);
  }
}
