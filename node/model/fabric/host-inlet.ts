/**
 * The way into a host: the end of its cable. Frames come from the switch's output port towards it, which is evaluated
 * in the same process, or are there with their last bit: from a cable to another host, from a port evaluated elsewhere,
 * from its own NIC, and from the out-of-band network.
 */
import type { EventSink, Scheduler } from '../../../sim/scheduler.js';
import { TraceHash } from '../../../sim/trace.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import type { Profile } from '../../spec/profile.js';
import type { FrameTap } from './captured-link.js';
import { isRoceFrame } from './finished-frame.js';
import { WAY, type Frame } from './frame.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import { isManagement, type ManagementNetwork } from './management-network.js';
import type { OutgoingLink } from './output-port.js';
import { traceUnwritten } from './packet-headers.js';

/** A host's NIC, as the cable has it. */
export interface Receiver {
  /** The last bit of frame `slot` arrives, at the frame's time. */
  arrive(slot: FrameSlot): void;
}

export interface HostInletParts {
  readonly host: number;
  readonly link: Profile['link'];
  /** Whether the trace has all bytes, or the headers. */
  readonly traceFull: boolean;
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  readonly nic: Receiver;
  readonly management: ManagementNetwork;
  readonly tap: FrameTap | undefined;
}

export class HostInlet implements EventSink, OutgoingLink {
  readonly sink: number;
  readonly trace = new TraceHash();
  /** Frames that came over the cable, and their bytes on the link. */
  frames = 0;
  bytes = 0;
  /** Frames that were dropped because their FCS is wrong; nobody behind the MAC has seen them. */
  crcErrors = 0;
  private readonly parts: HostInletParts;
  private readonly scheduler: Scheduler;
  private readonly pool: FramePool;
  private readonly link: Profile['link'];
  private readonly nic: Receiver;
  private readonly tap: FrameTap | undefined;
  private readonly traceFull: boolean;

  constructor(parts: HostInletParts) {
    this.parts = parts;
    this.scheduler = parts.scheduler;
    this.pool = parts.pool;
    this.link = parts.link;
    this.nic = parts.nic;
    this.tap = parts.tap;
    this.traceFull = parts.traceFull;
    this.sink = parts.scheduler.register(this);
  }

  /** The last bit of frame `slot` is here. */
  handle(_kind: number, slot: FrameSlot): void {
    const { pool, parts } = this;
    const frame = pool.frames[slot]!;
    if (frame.written && isManagement(pool, slot)) {
      parts.management.receive(slot);
      return;
    }
    this.expect(slot);
    if (frame.source !== parts.host) {
      this.frames++;
      this.bytes += frame.length + this.link.framing;
    }
    this.hand(slot, frame);
  }

  /** The head of frame `slot` has come to the port towards this host. */
  expect(slot: FrameSlot): void {
    const { pool, trace } = this;
    const frame = pool.frames[slot]!;
    // Under the real clock it may be later than was foreseen.
    frame.time = this.scheduler.now;
    if (this.traceFull) pool.writeOut(slot);
    trace.frames++;
    if (!frame.written) {
      traceUnwritten(trace, frame);
      return;
    }
    trace.number(frame.time);
    trace.word(frame.source);
    trace.word(frame.length);
    trace.bytes(pool.view, frame.start, this.tracedLength(slot));
  }

  carry(slot: FrameSlot): void {
    const { link } = this;
    const frame = this.pool.frames[slot]!;
    const { length, way } = frame;
    const at = way[WAY.serialized]! + link.propagation + link.fec;
    way[WAY.arrived] = at;
    frame.time = at;
    this.frames++;
    this.bytes += length + link.framing;
    this.hand(slot, frame);
  }

  /** To the NIC, whose MAC looks at the FCS. */
  private hand(slot: FrameSlot, frame: Frame): void {
    if (frame.damaged) {
      this.crcErrors++;
      this.pool.release(slot);
      return;
    }
    this.tap?.(slot, frame.time, false);
    this.nic.arrive(slot);
  }

  /** The headers, or all but the ICRC, which may not have been computed. */
  private tracedLength(slot: FrameSlot): number {
    const { pool } = this;
    const { length, headerLength } = pool.frames[slot]!;
    if (!this.traceFull) return headerLength;
    return length - (isRoceFrame(pool, slot) ? ICRC_LENGTH : 0);
  }
}
