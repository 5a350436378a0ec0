/** The receiving half of a connection: what has arrived, in order and beyond gaps, and the window that is offered. */
import { AckPolicy } from './ack-policy.js';
import { ByteRing } from './byte-ring.js';
import type { NetCounters } from './net-counters.js';
import { OutOfOrder } from './out-of-order.js';
import { addSequence, isAfter, isBefore, sequenceDistance } from './sequence.js';
import type { TcpTuning } from './tcp-tuning.js';

/** What {@link TcpReceiver.take} found a segment to be. */
export type Arrival = 'news' | 'early' | 'old' | 'beyond';

export class TcpReceiver {
  /** RCV.NXT, and what the last ACK said it was. */
  next = 0;
  acknowledged = 0;
  /** The window that the last ACK offered, counted from `acknowledged`. */
  window = 0;
  /** Our Rcv.Wind.Shift. */
  scale = 0;
  /** The peer's FIN was taken in order. */
  isEnded = false;
  readonly ring = new ByteRing();
  readonly early = new OutOfOrder();
  readonly acks: AckPolicy;
  /** A duplicate to report first among the SACK blocks (RFC 2883); `from` equals `to` if there is none. */
  duplicateFrom = 0;
  duplicateTo = 0;
  /** TS.Recent (RFC 7323 4.3). */
  recentTimestamp = 0;
  private readonly counters: NetCounters;
  private readonly largestSegment: number;
  /** Bytes that may wait for the program, grown with what it takes, up to `limitMax`. */
  private limit: number;
  private readonly limitMax: number;
  /** Where the peer's stream ends, once its FIN has come. */
  private finAt = 0;
  private hasFin = false;
  /** Receiver's round trip: how long a window's worth takes to come. */
  private rtt = 0;
  private rttMark = 0;
  private rttSince = 0;
  /** What the program took since `copiedSince`, and in the round trip before. */
  private copied = 0;
  private copiedSince = 0;
  private copiedBefore: number;

  constructor(tuning: TcpTuning, largestSegment: number, counters: NetCounters) {
    this.acks = new AckPolicy(tuning);
    this.counters = counters;
    this.largestSegment = largestSegment;
    // Whole segments of what an unscaled window field can say, as Linux begins.
    const most = Math.min(tuning.receiveBuffer, 0xffff);
    this.limit = Math.max(most - (most % largestSegment), Math.min(most, largestSegment));
    this.limitMax = Math.max(tuning.receiveBufferMax, this.limit);
    this.window = this.limit;
    this.copiedBefore = this.limit;
    if (tuning.windowScaling) {
      while (this.scale < 14 && (this.limitMax * 2) >> this.scale > 0xffff) this.scale++;
    }
  }

  /** SYN with that sequence number came. */
  begin(sequence: number, now: number): void {
    this.next = addSequence(sequence, 1);
    this.acknowledged = this.next;
    this.copiedSince = now;
    this.rttSince = now;
    this.rttMark = addSequence(this.next, this.window);
  }

  get readable(): number {
    return this.ring.length;
  }

  /** What is left of the offered window. */
  get offered(): number {
    return Math.max(0, sequenceDistance(addSequence(this.acknowledged, this.window), this.next));
  }

  get unacknowledged(): number {
    return sequenceDistance(this.next, this.acknowledged);
  }

  /** RFC 9293 3.4, with Linux's left edge: what was acknowledged last, so that retransmissions are answered. */
  isAcceptable(sequence: number, end: number): boolean {
    return (
      !isBefore(end, this.acknowledged) && !isAfter(sequence, addSequence(this.next, this.offered))
    );
  }

  /** Takes what of a segment is new and fits the window; `hasFin` if a FIN follows its last byte. */
  take(
    sequence: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    hasFin: boolean,
    now: number,
  ): Arrival {
    let end = addSequence(sequence, length);
    const edge = this.edge();
    if (isAfter(end, edge)) {
      length -= sequenceDistance(end, edge);
      end = edge;
      hasFin = false;
    }
    if (length < 0 || (length === 0 && !hasFin)) return 'beyond';
    if (hasFin && !this.hasFin && !isBefore(end, this.next)) {
      this.hasFin = true;
      this.finAt = end;
    }
    if (isAfter(sequence, this.next)) return this.takeEarly(sequence, bytes, at, length);
    const known = sequenceDistance(this.next, sequence);
    if (known > 0) this.reportDuplicate(sequence, known >= length ? end : this.next);
    if (known > length || (known === length && !hasFin)) {
      this.counters.tcp_duplicate_segments++;
      return 'old';
    }
    const fresh = length - known;
    this.ring.put(this.ring.length, bytes, at + known, fresh);
    this.advance(end, now);
    return 'news';
  }

  /**
   * Beyond what nothing is taken: the offered window, or the peer's own end. Windows rounded up, ACK by ACK, could add
   * up for a peer that sends single bytes; so there is an end to what waits for the program.
   */
  private edge(): number {
    const room = Math.min(this.offered, Math.max(0, 2 * this.limit - this.ring.length));
    const edge = addSequence(this.next, room);
    return this.hasFin && isAfter(edge, this.finAt) ? this.finAt : edge;
  }

  private takeEarly(sequence: number, bytes: Uint8Array, at: number, length: number): Arrival {
    const { counters, early } = this;
    counters.tcp_out_of_order_segments++;
    // A FIN alone leaves its mark, and needs no room.
    if (length > 0) {
      const end = addSequence(sequence, length);
      for (let i = 0; i < early.count; i++) {
        if (isBefore(sequence, early.start(i)) || isAfter(end, early.end(i))) continue;
        this.reportDuplicate(sequence, end);
        counters.tcp_duplicate_segments++;
      }
      if (early.add(sequence, end)) {
        const offset = this.ring.length + sequenceDistance(sequence, this.next);
        this.ring.put(offset, bytes, at, length);
      } else counters.tcp_out_of_order_dropped++;
    }
    return 'early';
  }

  /** Everything up to `end` has come. */
  private advance(end: number, now: number): void {
    const reached = this.early.count === 0 ? end : this.early.take(end);
    this.ring.extend(sequenceDistance(reached, this.next));
    this.next = reached;
    if (this.hasFin && !this.isEnded && reached === this.finAt) {
      this.isEnded = true;
      this.next = addSequence(reached, 1);
    }
    if (!isBefore(this.next, this.rttMark)) {
      const sample = now - this.rttSince;
      this.rtt = this.rtt === 0 ? sample : Math.min(sample, this.rtt + (sample - this.rtt) / 8);
      this.rttSince = now;
      this.rttMark = addSequence(this.next, this.window);
    }
  }

  private reportDuplicate(from: number, to: number): void {
    this.duplicateFrom = from;
    this.duplicateTo = to;
  }

  /** Copies what has arrived in order to the program; the bytes that were. */
  read(bytes: Uint8Array, at: number, length: number, now: number): number {
    const count = Math.min(length, this.ring.length);
    if (count <= 0) return 0;
    this.ring.copyOut(0, bytes, at, count);
    this.ring.drop(count);
    this.copied += count;
    if (this.rtt > 0 && now - this.copiedSince >= this.rtt) this.fitLimit(now);
    return count;
  }

  /** Linux's dynamic right-sizing: room for twice what the program takes in a round trip, and for growth. */
  private fitLimit(now: number): void {
    if (this.copied > this.copiedBefore) {
      const wanted = 2 * this.copied + 16 * this.largestSegment;
      const growth = (wanted * (this.copied - this.copiedBefore)) / this.copiedBefore;
      this.limit = Math.max(this.limit, Math.min(this.limitMax, wanted + Math.floor(growth)));
      this.copiedBefore = this.copied;
    }
    this.copied = 0;
    this.copiedSince = now;
  }

  /** Whether the window that could be offered is so much larger that the peer should hear of it (tcp_cleanup_rbuf). */
  get isWorthAnUpdate(): boolean {
    const { offered } = this;
    if (2 * offered > this.limit) return false;
    const window = this.selectWindow();
    return window > 0 && window >= 2 * offered;
  }

  /**
   * The window of the ACK that leaves now: never less than was offered, none rather than a silly one (RFC 9293
   * 3.8.6.2.2).
   */
  offer(): number {
    const unit = 1 << this.scale;
    const kept = Math.ceil(this.offered / unit) * unit;
    this.window = Math.max(this.selectWindow(), kept);
    if (this.scale === 0) this.window = Math.min(this.window, 0xffff);
    this.acknowledged = this.next;
    this.acks.sent();
    return this.window >>> this.scale;
  }

  /** __tcp_select_window. */
  private selectWindow(): number {
    const { scale, limit } = this;
    const segment = Math.min(this.acks.segmentSize, limit);
    const unit = 1 << scale;
    let free = Math.max(0, limit - this.ring.length - this.early.bytes);
    free -= free % unit;
    if (free < limit >> 4 || free < segment) return 0;
    if (scale > 0) return free;
    return this.window <= free - segment || this.window > free
      ? free - (free % segment)
      : this.window;
  }

  clear(): void {
    this.ring.clear();
    this.early.clear();
  }
}
