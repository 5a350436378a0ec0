/**
 * The NIC's way out: arbitration for the port, one packet at a time, round robin over the sources that have one ready.
 * Winning it is the packet's commit. From then on only fixed latencies lie ahead, which is what lets processes run
 * ahead of each other.
 */
import type { Instant } from '../../../units/time.js';
import { removeAt } from '../../../sim/remove-at.js';
import type { Scheduler, EventSink } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import { WAY, type Frame } from '../fabric/frame.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Port } from '../fabric/port.js';
import type { Profile } from '../../spec/profile.js';

/** A host's MAC: 02:00:00, a function's number, then the host's (units/address.ts). */
const OUR_MAC_PREFIX = 0x020000;
const HOST_OF_MAC_AT = 4;

/** A stream of packets that wants the port. */
export interface TransmitSource {
  /** When its next packet has all it needs; Infinity while it has none. */
  readyAt: number;
  /** Kept by the transmitter. */
  waiting: boolean;
  /** Builds its next packet at its commit and hands it to {@link Transmitter.commit}; sets `readyAt` anew. */
  transmit(): void;
}

export class Transmitter implements EventSink {
  packets = 0;
  wireBytes = 0;
  /** Frames for a MAC that no host has. */
  unknownDestination = 0;
  /** Frames to a group come back to this host too, for its other network functions. */
  floodsHome = false;
  private readonly host: number;
  private readonly profile: Profile;
  private readonly scheduler: Scheduler;
  private readonly sequencer: Sequencer;
  private readonly pool: FramePool;
  private readonly port: Port;
  private readonly sink: number;
  private readonly sources: TransmitSource[] = [];
  private turn = 0;
  private readonly hosts: number;
  /** When the port has sent what it is sending. */
  private portFreeAt = 0;
  /** The earliest arbitration that is pending; later ones in the queue are stale. */
  private arbitrationAt = Infinity;

  constructor(
    host: number,
    hosts: number,
    profile: Profile,
    scheduler: Scheduler,
    sequencer: Sequencer,
    pool: FramePool,
    port: Port,
  ) {
    this.host = host;
    this.hosts = hosts;
    this.profile = profile;
    this.scheduler = scheduler;
    this.sequencer = sequencer;
    this.pool = pool;
    this.port = port;
    this.sink = scheduler.register(this);
  }

  /** `source` has a packet, or has one earlier than it said. */
  activate(source: TransmitSource): void {
    if (!source.waiting) {
      source.waiting = true;
      this.sources.push(source);
    }
    this.arrange(source.readyAt);
  }

  handle(): void {
    const { now } = this.scheduler;
    // An arbitration that a later activation moved forward has been held already.
    if (this.arbitrationAt > now) return;
    this.arbitrationAt = Infinity;
    const source = this.choose(now);
    if (source !== undefined) source.transmit();
    this.arrangeNext();
  }

  /** Sends frame `slot`, built by the source that just won the port: its commit is now. */
  commit(slot: FrameSlot, destination: number): void {
    const frame = this.pool.frames[slot]!;
    this.packets++;
    this.wireBytes += frame.length + this.profile.link.framing;
    this.occupy(frame);
    this.launch(frame, slot, destination);
  }

  /** The port is busy with `frame` from now on. */
  private occupy({ length }: Frame): void {
    const { nic, link } = this.profile;
    const serialization = Math.ceil((length + link.framing) * link.rate);
    const busy = serialization > nic.packetGap ? serialization : nic.packetGap;
    this.portFreeAt = this.scheduler.now + busy;
  }

  /** Frame `slot` goes on its way. */
  private launch(frame: Frame, slot: FrameSlot, destination: number): void {
    const { nic } = this.profile;
    frame.source = this.host;
    frame.destination = destination;
    frame.key = this.sequencer.key();
    let at = this.scheduler.now + nic.tx.ps;
    const { way } = frame;
    way[WAY.leftNic] = at;
    if (destination === this.host) {
      at += nic.loopback;
      way[WAY.leftCable] = at;
    }
    frame.time = at;
    this.port.send(slot);
  }

  /**
   * Sends frame `slot` of any protocol where its destination MAC says: to that host, or to every other one (and home,
   * if there is anybody) when it is a group's. A frame for nobody is lost, and counted.
   */
  forward(slot: FrameSlot): void {
    const { pool, host, hosts } = this;
    const start = pool.frames[slot]!.start;
    if ((pool.view.getUint8(start) & 1) === 0) {
      const destination = pool.view.getUint16(start + HOST_OF_MAC_AT);
      if (pool.view.getUint32(start) >>> 8 === OUR_MAC_PREFIX && destination < hosts) {
        this.commit(slot, destination);
        return;
      }
      this.unknownDestination++;
      pool.release(slot);
      return;
    }
    this.packets++;
    this.wireBytes += pool.frames[slot]!.length + this.profile.link.framing;
    this.occupy(pool.frames[slot]!);
    for (let to = 0; to < hosts; to++) {
      if (to === host && !this.floodsHome) continue;
      const copy = pool.copy(slot);
      this.launch(pool.frames[copy]!, copy, to);
    }
    pool.release(slot);
  }

  /** When the packet just committed has left the port. */
  get portFree(): Instant {
    return this.portFreeAt as Instant;
  }

  private choose(now: number): TransmitSource | undefined {
    const { sources } = this;
    for (let i = 0; i < sources.length;) {
      const at = (this.turn + i) % sources.length;
      const source = sources[at]!;
      if (source.readyAt <= now) {
        this.turn = at + 1;
        return source;
      }
      if (source.readyAt === Infinity) this.retire(at);
      else i++;
    }
    return undefined;
  }

  private retire(at: number): void {
    this.sources[at]!.waiting = false;
    removeAt(this.sources, at);
    if (this.turn > at) this.turn--;
  }

  private arrangeNext(): void {
    let earliest = Infinity;
    for (const { readyAt } of this.sources) if (readyAt < earliest) earliest = readyAt;
    if (earliest !== Infinity) this.arrange(earliest);
  }

  private arrange(readyAt: number): void {
    if (readyAt === Infinity) return;
    const { now } = this.scheduler;
    let at = readyAt > this.portFreeAt ? readyAt : this.portFreeAt;
    if (at < now) at = now;
    if (at >= this.arbitrationAt) return;
    this.arbitrationAt = at;
    this.arbitrate();
  }

  /** Has the arbitration at {@link arbitrationAt} held. */
  private arbitrate(): void {
    const { scheduler, sequencer, sink } = this;
    scheduler.at(this.arbitrationAt, sequencer.key(), sink, 0, 0);
  }
}
