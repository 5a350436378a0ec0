/** The sending half of a connection: what is queued, what is in the network, the peer's window and ours (cwnd). */
import { TCP_FLAG } from '../../../wire/tcp.js';
import { ByteRing } from './byte-ring.js';
import type { CongestionControl } from './congestion.js';
import { LossRecovery } from './loss-recovery.js';
import type { NetCounters } from './net-counters.js';
import { RttEstimator } from './rtt-estimator.js';
import type { SegmentWriter } from './segment-writer.js';
import { SEGMENT, SentSegments } from './sent-segments.js';
import { addSequence, isAfter, isBefore, sequenceDistance } from './sequence.js';
import type { TcpSegment } from './tcp-segment.js';
import type { TcpSocket } from './tcp-socket.js';
import type { TcpTuning } from './tcp-tuning.js';

/** TCP_MSS_DEFAULT, for peers that do not say (RFC 9293 3.7.1). */
const DEFAULT_MSS = 536;
const LEAST_MSS = 48;

export class TcpSender {
  /** SND.UNA, SND.NXT, and the sequence number of the ring's first byte. */
  una: number;
  next: number;
  private base: number;
  /** SND.WND, and the greatest that the peer has offered. */
  window = 0;
  largestWindow = 0;
  /** Snd.Wind.Shift. */
  scale = 0;
  /** Payload bytes of a full segment. */
  mss = DEFAULT_MSS;
  readonly ring = new ByteRing();
  readonly sent = new SentSegments();
  readonly rtt: RttEstimator;
  readonly congestion: CongestionControl;
  readonly recovery: LossRecovery;
  noDelay = false;
  /** The program has said that nothing follows; `finSent` once the FIN has left. */
  isEnding = false;
  finSent = false;
  /** When to do something about what was not acknowledged, or could not be sent. */
  retransmitAt = Infinity;
  /** Timeouts, and window probes, since the peer was last heard of. */
  retries = 0;
  probes = 0;
  private probeBackoff = 0;
  /**
   * What `retransmitAt` is for: RTO (or a probe of a closed window, if nothing is in flight), tail-loss probe (RFC 8985
   * 7), or the end of the time for which a segment may be late rather than lost.
   */
  private purpose: 'timeout' | 'tail' | 'reordering' = 'timeout';
  /** A tail-loss probe is out, until `probeEnd` is acknowledged. */
  private hasProbed = false;
  private probeEnd = 0;
  private readonly socket: TcpSocket;
  private readonly writer: SegmentWriter;
  private readonly tuning: TcpTuning;
  private readonly counters: NetCounters;
  /** SEG.SEQ of the last window update. */
  private windowSequence = 0;
  /** Where the last segment that was not full ended (Minshall). */
  private smallEnd: number;
  private lastSent = 0;
  /** Whether cwnd was what stopped us, and the most segments out, in the window of data that ends at `usageEnd`. */
  private isLimited = false;
  private mostOut = 0;
  private usageEnd: number;

  constructor(
    socket: TcpSocket,
    initial: number,
    parts: {
      writer: SegmentWriter;
      tuning: TcpTuning;
      counters: NetCounters;
      congestion: CongestionControl;
    },
  ) {
    this.socket = socket;
    this.writer = parts.writer;
    this.tuning = parts.tuning;
    this.counters = parts.counters;
    this.congestion = parts.congestion;
    this.una = this.next = this.smallEnd = this.usageEnd = initial;
    this.base = addSequence(initial, 1);
    this.rtt = new RttEstimator(parts.tuning);
    this.recovery = new LossRecovery(
      this.sent,
      parts.congestion,
      parts.tuning.duplicateThreshold,
      parts.counters,
    );
  }

  /** Room for bytes of the program. Linux lets the buffer grow with the window: twice of what may be in flight. */
  get room(): number {
    return Math.max(0, this.limit - this.ring.length);
  }

  get limit(): number {
    const { sendBuffer, sendBufferMax, initialWindow } = this.tuning;
    const flight = Math.max(initialWindow, Math.floor(this.congestion.window)) * this.mss;
    return Math.min(Math.max(sendBuffer, 2 * flight), sendBufferMax);
  }

  /** Bytes queued that were never sent. */
  private get unsent(): number {
    const beyond = this.finSent ? 1 : 0;
    return this.ring.length - sequenceDistance(this.next, this.base) + beyond;
  }

  /** What the peer's window leaves; negative if it has shrunk. */
  private get usable(): number {
    return sequenceDistance(addSequence(this.una, this.window), this.next);
  }

  /** What options of the SYNs have settled: MSS, less what timestamps take of every segment. */
  settle(segment: TcpSegment, largest: number, optionBytes: number): void {
    const { mss } = segment.options;
    const peer = mss < 0 ? DEFAULT_MSS : Math.max(mss, LEAST_MSS);
    this.mss = Math.min(peer, largest) - optionBytes;
  }

  /** SYN, or SYN and ACK, for the first time. */
  sendSyn(flags: number, now: number): void {
    if (!this.writer.write(this.socket, this.una, flags, 0, 0, now)) return;
    this.next = addSequence(this.una, 1);
    this.sent.push(this.una, 0, SEGMENT.SYN, now);
    this.arm(now);
  }

  /** Sends what the windows allow: first what was lost, then what is new. */
  output(now: number): void {
    this.resendLost(now);
    if (!this.socket.maySend) return;
    this.sendNew(now);
    if (this.sent.count > 0 || this.retransmitAt !== Infinity || this.socket.isWaiting) return;
    // The window holds everything back, and nothing in flight will tell when it opens.
    if (this.unsent === 0) return;
    this.purpose = 'timeout';
    this.retransmitAt = now + this.probeInterval();
  }

  private resendLost(now: number): void {
    const { sent, congestion, recovery } = this;
    let index = sent.nextLost(0);
    while (index >= 0) {
      if (!recovery.mustResend && sent.inFlight >= Math.floor(congestion.window)) return;
      if (!this.resend(index, now)) return;
      recovery.mustResend = false;
      index = sent.nextLost(index + 1);
    }
    recovery.mustResend = false;
  }

  private resend(index: number, now: number): boolean {
    const { sent } = this;
    const length = sent.length(index);
    let flags: number = TCP_FLAG.ACK;
    if (sent.has(index, SEGMENT.SYN)) flags = this.socket.synFlags;
    else if (sent.has(index, SEGMENT.FIN)) flags |= TCP_FLAG.FIN;
    if (length > 0) flags |= TCP_FLAG.PSH;
    const sequence = sent.sequence(index);
    const offset = sequenceDistance(sequence, this.base);
    if (!this.writer.write(this.socket, sequence, flags, offset, length, now)) return false;
    sent.resend(index, now);
    this.counters.tcp_retransmitted_segments++;
    this.lastSent = now;
    if (this.retransmitAt === Infinity) this.arm(now);
    return true;
  }

  private sendNew(now: number): void {
    const { sent, congestion } = this;
    const mss = this.segmentSize();
    let unsent = this.unsent;
    if (unsent === 0 && (!this.isEnding || this.finSent)) return;
    if (sent.count === 0) this.restartAfterIdle(now);
    let isLimited = false;
    while (unsent > 0 || (this.isEnding && !this.finSent)) {
      const length = Math.min(unsent, mss);
      const isLast = length === unsent;
      const hasFin = isLast && this.isEnding;
      if (sent.inFlight >= Math.max(1, Math.floor(congestion.window))) {
        isLimited = true;
        break;
      }
      // A FIN alone needs no room.
      if (length > 0 && length > this.usable) break;
      if (length < mss && !hasFin && this.mustCollect()) break;
      if (!this.sendSegment(length, isLast, hasFin, now)) break;
      unsent -= length;
    }
    this.noteUsage(isLimited);
  }

  private sendSegment(length: number, isLast: boolean, hasFin: boolean, now: number): boolean {
    let flags: number = TCP_FLAG.ACK;
    if (isLast && length > 0) flags |= TCP_FLAG.PSH;
    if (hasFin) flags |= TCP_FLAG.FIN;
    const offset = sequenceDistance(this.next, this.base);
    if (!this.writer.write(this.socket, this.next, flags, offset, length, now)) return false;
    this.sent.push(this.next, length, hasFin ? SEGMENT.FIN : 0, now);
    this.next = addSequence(this.next, length + (hasFin ? 1 : 0));
    if (hasFin) this.finSent = true;
    if (length < this.mss) this.smallEnd = this.next;
    if (length > 0) this.socket.receiver.acks.answered(now);
    this.lastSent = now;
    if (this.sent.count === 1) {
      this.probeBackoff = 0;
      this.arm(now);
    } else if (this.purpose === 'tail') this.arm(this.sent.time(0), now);
    return true;
  }

  /** Nagle's algorithm, as Minshall amended it: one segment that is not full may be out. */
  private mustCollect(): boolean {
    return !this.noDelay && this.sent.count > 0 && isAfter(this.smallEnd, this.una);
  }

  /**
   * Half of the largest window, where that is less than a segment: no window can be too small for good (RFC 9293
   * 3.8.6.2.1).
   */
  private segmentSize(): number {
    const half = this.largestWindow >>> 1;
    return half > 0 && half < this.mss ? Math.max(half, LEAST_MSS) : this.mss;
  }

  private restartAfterIdle(now: number): void {
    const timeouts = Math.floor((now - this.lastSent) / this.rtt.rto);
    if (this.lastSent > 0 && timeouts > 0) this.congestion.idled(timeouts);
  }

  /** tcp_cwnd_validate: cwnd grows only where it was used. */
  private noteUsage(isLimited: boolean): void {
    const out = this.sent.count;
    const isOver = !isBefore(this.una, this.usageEnd);
    if (!isOver && !isLimited && (this.isLimited || out <= this.mostOut)) return;
    this.isLimited = isLimited;
    this.mostOut = out;
    this.usageEnd = this.next;
  }

  private get isWindowUsed(): boolean {
    const { window, threshold } = this.congestion;
    return this.isLimited || (window < threshold && window < 2 * this.mostOut);
  }

  /** SEG.ACK is at most SND.NXT (the caller checks). The bytes that it newly acknowledges. */
  acknowledge(segment: TcpSegment, now: number): number {
    const ack = segment.header.acknowledgment;
    const fresh = sequenceDistance(ack, this.una);
    const hadOutstanding = this.sent.count > 0;
    const { hasSack } = this.socket;
    if (hasSack) this.readSack(segment, now);
    if (fresh < 0) {
      this.detectLoss(now);
      return 0;
    }
    const isUpdate = this.updateWindow(segment);
    this.probes = 0;
    if (fresh > 0) this.advance(segment, fresh, now);
    else if (!hasSack && hadOutstanding && segment.end === segment.header.sequence && !isUpdate) {
      this.recovery.duplicate();
    }
    this.detectLoss(now);
    return fresh;
  }

  private detectLoss(now: number): void {
    const { rtt, recovery, sent } = this;
    const patience = recovery.detect(this.una, this.next, this.socket.hasSack, rtt.least, now);
    if (patience > 0) {
      this.purpose = 'reordering';
      this.retransmitAt = now + patience;
    } else if (this.purpose !== 'timeout' && recovery.state !== 'open' && sent.count > 0) {
      this.purpose = 'timeout';
      this.retransmitAt = now + rtt.rto;
    }
  }

  /**
   * The timer runs from `since`: to the RTO, or to a probe where the last of several segments may be lost unnoticed.
   */
  private arm(since: number, now = since): void {
    const { sent, rtt, tuning, recovery } = this;
    this.purpose = 'timeout';
    this.retransmitAt = Math.max(since + rtt.rto, now);
    const isCalm = recovery.state === 'open' && sent.sacked === 0 && sent.lost === 0;
    // One segment alone may wait for a delayed ACK, so that its probe would come after the RTO.
    if (!isCalm || sent.count < 2 || this.hasProbed || rtt.smoothed === 0) return;
    if (!this.socket.hasSack) return;
    const at = Math.ceil(now + 2 * rtt.smoothed + tuning.probeMargin);
    if (at >= this.retransmitAt) return;
    this.purpose = 'tail';
    this.retransmitAt = at;
  }

  private advance(segment: TcpSegment, fresh: number, now: number): void {
    const { sent, rtt, recovery, congestion } = this;
    const wasInRecovery = recovery.state === 'recovery';
    const isUsed = this.isWindowUsed;
    const gone = sent.acknowledge(segment.header.acknowledgment, now, rtt.least);
    this.una = addSequence(this.una, fresh);
    const bytes = Math.min(this.ring.length, sequenceDistance(this.una, this.base));
    if (bytes > 0) {
      this.ring.drop(bytes);
      this.base = addSequence(this.base, bytes);
    }
    this.retries = 0;
    if (sent.sentAt >= 0) rtt.sample(now - sent.sentAt);
    else if (gone > 0) this.sampleTimestamp(segment, now);
    recovery.advanced(this.una, gone, this.socket.hasSack);
    if (!wasInRecovery && isUsed) congestion.acknowledged(gone, now, rtt.smoothed);
    if (this.hasProbed && !isBefore(this.una, this.probeEnd)) this.hasProbed = false;
    this.retransmitAt = Infinity;
    if (sent.count > 0) this.arm(now);
  }

  /** The echo tells which of several transmissions was acknowledged, in whole milliseconds (RFC 7323 4). */
  private sampleTimestamp(segment: TcpSegment, now: number): void {
    const { options } = segment;
    if (!options.timestamp || options.timestampEcho === 0) return;
    const age = this.socket.timestampAge(options.timestampEcho, now);
    if (age >= 0) this.rtt.sample(age);
  }

  private readSack(segment: TcpSegment, now: number): void {
    const { sack, sackBlocks } = segment.options;
    for (let i = 0; i < sackBlocks * 2; i += 2) {
      const left = sack[i]!;
      const right = sack[i + 1]!;
      // D-SACKs and nonsense fall out here.
      if (!isBefore(left, right) || isBefore(left, this.una) || isAfter(right, this.next)) continue;
      this.sent.sack(left, right, now, this.rtt.least);
    }
  }

  /** RFC 9293 3.10.7.4 as Linux reads it; whether the window changed. */
  private updateWindow(segment: TcpSegment): boolean {
    const { header } = segment;
    const window = header.window << (segment.has(TCP_FLAG.SYN) ? 0 : this.scale);
    const isNewer =
      isAfter(header.acknowledgment, this.una) ||
      isAfter(header.sequence, this.windowSequence) ||
      (header.sequence === this.windowSequence && window > this.window);
    if (!isNewer) return false;
    this.windowSequence = header.sequence;
    const isChanged = window !== this.window;
    this.window = window;
    if (window > this.largestWindow) this.largestWindow = window;
    // What a closed window held back goes now; its probe is not needed any more.
    if (isChanged && this.sent.count === 0 && window > 0) this.stopProbing();
    return isChanged;
  }

  private stopProbing(): void {
    this.retransmitAt = Infinity;
    this.probeBackoff = 0;
  }

  /** The timer ran out; false if the connection is to be given up. */
  timedOut(limit: number, now: number): boolean {
    this.retransmitAt = Infinity;
    if (this.sent.count === 0) return this.probe(limit, now);
    if (this.purpose === 'timeout') return this.retransmit(limit, now);
    if (this.purpose === 'tail') this.probeTail(now);
    else {
      this.purpose = 'timeout';
      this.retransmitAt = Math.max(this.sent.time(0) + this.rtt.rto, now + 1);
      this.detectLoss(now);
      this.output(now);
    }
    return true;
  }

  /**
   * Something new, or the last segment once more, so that its ACK tells what of the others is missing (RFC 8985 7.3).
   */
  private probeTail(now: number): void {
    const { sent } = this;
    this.purpose = 'timeout';
    // Selective ACKs have begun to tell meanwhile.
    if (sent.sacked === 0) this.sendProbe(now);
    this.purpose = 'timeout';
    this.retransmitAt = Math.max(sent.time(0) + this.rtt.rto, now + 1);
  }

  private sendProbe(now: number): void {
    const { sent } = this;
    const length = Math.min(this.unsent, this.mss);
    const isLast = length === this.unsent;
    const isSent =
      length > 0 && length <= this.usable
        ? this.sendSegment(length, isLast, false, now)
        : this.resend(sent.count - 1, now);
    if (!isSent) return;
    this.counters.tcp_loss_probes++;
    this.hasProbed = true;
    this.probeEnd = this.next;
  }

  private retransmit(limit: number, now: number): boolean {
    if (this.retries >= limit) return false;
    this.retries++;
    this.counters.tcp_timeouts++;
    if (this.sent.has(0, SEGMENT.SYN)) this.sent.loseAll();
    else this.recovery.timedOut(this.una, this.next);
    this.rtt.backOff();
    this.hasProbed = false;
    this.retransmitAt = now + this.rtt.rto;
    this.output(now);
    return true;
  }

  /** tcp_write_wakeup: what the window still has room for, else an old sequence number, which asks for an ACK. */
  private probe(limit: number, now: number): boolean {
    if (this.unsent === 0) return true;
    if (this.probes >= limit) return false;
    this.probes++;
    this.probeBackoff++;
    const length = Math.min(this.unsent, this.mss, Math.max(0, this.usable));
    if (length > 0) {
      this.sendSegment(length, length === this.unsent, false, now);
      return true;
    }
    this.counters.tcp_window_probes++;
    const old = addSequence(this.una, -1);
    this.writer.write(this.socket, old, TCP_FLAG.ACK, 0, 0, now);
    this.retransmitAt = now + this.probeInterval();
    return true;
  }

  private probeInterval(): number {
    return Math.min(this.rtt.rto * 2 ** this.probeBackoff, this.tuning.rtoMax);
  }

  clear(): void {
    this.ring.clear();
    this.sent.clear();
    this.retransmitAt = Infinity;
  }
}
