/**
 * The way into a host: the switch's output port towards it, evaluated in that host's process, or the end of a cable.
 *
 * Arrivals come ordered by (time, source, sequence). The port sends one frame at a time; cut-through, so a frame's last
 * bit leaves one serialisation after its head. All links of a cluster have one rate.
 */
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import { TraceHash } from '../../../sim/trace.js';
import { PS_PER_NS } from '../../../units/time.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import { isManagement, type ManagementNetwork } from './management-network.js';
import type { Nic } from '../nic.js';
import type { Profile } from '../../spec/profile.js';
import type { FrameTap } from './captured-link.js';
import { isRoceFrame } from './finished-frame.js';
import { WAY, type Frame } from './frame.js';
import type { FramePool } from './frame-pool.js';
import { traceUnwritten } from './packet-headers.js';

/** Bucket 0 holds waits below a nanosecond, bucket b those from 2^(b-1) to below 2^b ns, the last all longer ones. */
export const PORT_WAIT_BUCKETS = 32;
const LONGEST_WAIT_NS = 2 ** (PORT_WAIT_BUCKETS - 1) - 1;

export class EgressPort implements EventSink {
  readonly sink: number;
  readonly trace = new TraceHash();
  /** Frames that left by it, and their bytes on the link. */
  frames = 0;
  bytes = 0;
  /** Their waits in all, in ps, and how many of which length: {@link PORT_WAIT_BUCKETS}. */
  waited = 0;
  readonly waits = new Uint32Array(PORT_WAIT_BUCKETS);
  /** Greatest number of bytes that waited, and frames that found no room. */
  deepest = 0;
  overflowed = 0;
  private freeAt = 0;
  private readonly host: number;
  private readonly profile: Profile;
  private readonly direct: boolean;
  private readonly traceFull: boolean;
  private readonly scheduler: Scheduler;
  private readonly pool: FramePool;
  private readonly nic: Nic;
  private readonly management: ManagementNetwork;
  private readonly tap: FrameTap | undefined;

  constructor(
    host: number,
    profile: Profile,
    options: { direct: boolean; traceFull: boolean },
    scheduler: Scheduler,
    pool: FramePool,
    nic: Nic,
    management: ManagementNetwork,
    tap: FrameTap | undefined,
  ) {
    this.host = host;
    this.profile = profile;
    this.direct = options.direct;
    this.traceFull = options.traceFull;
    this.scheduler = scheduler;
    this.pool = pool;
    this.nic = nic;
    this.management = management;
    this.tap = tap;
    this.sink = scheduler.register(this);
  }

  /** The head of frame `slot` is at the port (or its last bit at the NIC, on a direct cable or turned round inside). */
  handle(_kind: number, slot: number): void {
    const { pool } = this;
    const frame = pool.frames[slot]!;
    if (frame.written && isManagement(pool, slot)) {
      this.management.receive(slot);
      return;
    }
    const { now } = this.scheduler;
    this.record(frame, slot, now);
    let at = now;
    const { link } = this.profile;
    const size = frame.length + link.framing;
    const fromOutside = frame.source !== this.host;
    if (!this.direct && fromOutside) {
      const start = now > this.freeAt ? now : this.freeAt;
      if (this.isFull(start - now)) {
        this.overflowed++;
        pool.release(slot);
        return;
      }
      this.count(start - now);
      at = start + Math.ceil(size * link.rate);
      this.freeAt = at;
      frame.way[WAY.dequeued] = start;
      frame.way[WAY.serialized] = at;
      at += link.propagation + link.fec;
      frame.way[WAY.arrived] = at;
    }
    if (fromOutside) {
      this.frames++;
      this.bytes += size;
    }
    this.tap?.(slot, at, false);
    this.nic.arrive(slot, at);
  }

  private count(wait: number): void {
    this.waited += wait;
    const nanoseconds = Math.min(wait / PS_PER_NS, LONGEST_WAIT_NS);
    this.waits[32 - Math.clz32(nanoseconds)]!++;
  }

  /** Whether what waits for `wait` picoseconds leaves no room in the port's buffer. */
  private isFull(wait: number): boolean {
    if (wait === 0) return false;
    const { link, switch: device } = this.profile;
    const waiting = link.rate === 0 ? 0 : Math.floor(wait / link.rate);
    if (waiting > device.buffer) return true;
    if (waiting > this.deepest) this.deepest = waiting;
    return false;
  }

  private record(frame: Frame, slot: number, now: number): void {
    const { trace, pool } = this;
    if (this.traceFull) pool.writeOut(slot);
    trace.frames++;
    if (!frame.written) {
      traceUnwritten(trace, frame, now);
      return;
    }
    trace.number(now);
    trace.word(frame.source);
    trace.word(frame.length);
    trace.bytes(pool.view, frame.start, this.tracedLength(slot));
  }

  /** The headers, or all but the ICRC, which may not have been computed. */
  private tracedLength(slot: number): number {
    const { pool } = this;
    const { length, headerLength } = pool.frames[slot]!;
    if (!this.traceFull) return headerLength;
    return length - (isRoceFrame(pool, slot) ? ICRC_LENGTH : 0);
  }
}
