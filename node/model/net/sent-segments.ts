/**
 * The segments that were sent and not yet acknowledged, oldest first: what may have to be sent again, and the
 * scoreboard of selective acknowledgments (RFC 6675). A ring of rows in typed arrays.
 */
import { addSequence, isAfter, isBefore, sequenceDistance } from './sequence.js';

/** Marks of a segment. SYN and FIN each take one sequence number. */
export const SEGMENT = {
  SYN: 1,
  FIN: 2,
  SACKED: 4,
  /** Thought lost, so no longer in flight. */
  LOST: 8,
  /** Lost, and sent again since. */
  RESENT: 16,
  /** Was sent more than once: its ACK says nothing about the round trip (Karn). */
  AMBIGUOUS: 32,
} as const;

export class SentSegments {
  count = 0;
  sacked = 0;
  lost = 0;
  resent = 0;
  /** Without SACK: segments that duplicate ACKs say have left the network, whichever they are (RFC 6582). */
  presumed = 0;
  /**
   * Of all segments known to have arrived, the one that was sent last (RACK.xmit_ts, RACK.end_seq), and its round trip.
   */
  newestTime = -1;
  newestEnd = 0;
  newestRtt = 0;
  /** After {@link loseOlder}: how long until what may just be late counts as lost; 0 if nothing may. */
  patience = 0;
  /** Of what the last {@link acknowledge} took away: when its oldest was sent, or -1 if any was sent twice. */
  sentAt = -1;
  private head = 0;
  private sequences = new Int32Array(16);
  private lengths = new Int32Array(16);
  private marks = new Uint8Array(16);
  private times = new Float64Array(16);

  /** Segments in the network (RFC 6675's pipe). */
  get inFlight(): number {
    return this.count - this.sacked - this.presumed - this.lost + this.resent;
  }

  push(sequence: number, length: number, marks: number, now: number): void {
    if (this.count === this.sequences.length) this.grow();
    const at = this.at(this.count++);
    this.sequences[at] = sequence;
    this.lengths[at] = length;
    this.marks[at] = marks;
    this.times[at] = now;
  }

  sequence(index: number): number {
    return this.sequences[this.at(index)]!;
  }

  length(index: number): number {
    return this.lengths[this.at(index)]!;
  }

  time(index: number): number {
    return this.times[this.at(index)]!;
  }

  has(index: number, mark: number): boolean {
    return (this.marks[this.at(index)]! & mark) !== 0;
  }

  end(index: number): number {
    const at = this.at(index);
    return addSequence(this.sequences[at]!, this.lengths[at]! + controls(this.marks[at]!));
  }

  /** Takes away what is acknowledged up to `acknowledgment`; how many segments that were. */
  acknowledge(acknowledgment: number, now: number, leastRtt: number): number {
    let gone = 0;
    this.sentAt = Infinity;
    while (this.count > 0 && !isAfter(this.end(0), acknowledgment)) {
      const at = this.head;
      if ((this.marks[at]! & SEGMENT.SACKED) === 0) this.arrived(0, now, leastRtt);
      if ((this.marks[at]! & SEGMENT.AMBIGUOUS) !== 0) this.sentAt = -1;
      else if ((this.marks[at]! & SEGMENT.SACKED) === 0) {
        this.sentAt = Math.min(this.sentAt, this.times[at]!);
      }
      this.forget(this.marks[at]!);
      this.head = this.at(1);
      this.count--;
      gone++;
    }
    if (this.sentAt === Infinity) this.sentAt = -1;
    if (this.count > 0) this.trim(acknowledgment);
    return gone;
  }

  /** The first segment is acknowledged in part. */
  private trim(acknowledgment: number): void {
    const at = this.head;
    const part = sequenceDistance(acknowledgment, this.sequences[at]!);
    if (part <= 0) return;
    this.sequences[at] = acknowledgment;
    this.lengths[at]! -= part;
  }

  /** Marks what lies wholly in `left` to `right` as arrived; whether any was news. */
  sack(left: number, right: number, now: number, leastRtt: number): boolean {
    let news = false;
    for (let i = this.firstFrom(left); i < this.count && isBefore(this.sequence(i), right); i++) {
      if (this.has(i, SEGMENT.SACKED) || isAfter(this.end(i), right)) continue;
      const at = this.at(i);
      this.arrived(i, now, leastRtt);
      this.forget(this.marks[at]!);
      this.marks[at] = (this.marks[at]! & ~(SEGMENT.LOST | SEGMENT.RESENT)) | SEGMENT.SACKED;
      this.sacked++;
      news = true;
    }
    return news;
  }

  /**
   * An ACK that comes sooner than any did after its segment was sent again is of the first time (RFC 8985 6.2 step 2).
   */
  private arrived(index: number, now: number, leastRtt: number): void {
    const time = this.time(index);
    if (this.has(index, SEGMENT.AMBIGUOUS) && now - time < leastRtt) return;
    if (!isLater(time, this.end(index), this.newestTime, this.newestEnd)) return;
    this.newestTime = time;
    this.newestEnd = this.end(index);
    this.newestRtt = now - time;
  }

  /**
   * RACK (RFC 8985 6.2 step 5): what was sent before something that has arrived, and more than a round trip and
   * `window` ago, is lost, be it for the second time. Whether any was news.
   */
  loseOlder(window: number, now: number): boolean {
    let news = false;
    this.patience = 0;
    for (let i = 0; i < this.count; i++) {
      const at = this.at(i);
      const marks = this.marks[at]!;
      if ((marks & SEGMENT.SACKED) !== 0) continue;
      if ((marks & (SEGMENT.LOST | SEGMENT.RESENT)) === SEGMENT.LOST) continue;
      const time = this.times[at]!;
      if (!isLater(this.newestTime, this.newestEnd, time, this.end(i))) continue;
      const left = time + this.newestRtt + window - now;
      if (left > 0) {
        if (left > this.patience) this.patience = left;
        continue;
      }
      this.forget(marks);
      this.marks[at] = (marks & ~SEGMENT.RESENT) | SEGMENT.LOST;
      this.lost++;
      news = true;
    }
    return news;
  }

  /** The first segment that begins at `sequence` or later. */
  private firstFrom(sequence: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.sequence(middle), sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Marks as lost what has `threshold` sacked segments above it; whether any was news (RFC 6675 IsLost). */
  loseBelowSacked(threshold: number): boolean {
    if (this.sacked < threshold) return false;
    let above = 0;
    let news = false;
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.has(i, SEGMENT.SACKED)) {
        // All sacked segments from here on are above what is left, and more are not needed.
        above++;
      } else if (above >= threshold) news = this.lose(i) || news;
    }
    return news;
  }

  /** Marks one segment as lost; whether it was not yet. */
  lose(index: number): boolean {
    const at = this.at(index);
    if ((this.marks[at]! & (SEGMENT.LOST | SEGMENT.SACKED)) !== 0) return false;
    this.marks[at]! |= SEGMENT.LOST;
    this.lost++;
    return true;
  }

  /**
   * A retransmission timeout: all that is not known to have arrived is lost, and lost again if it was sent again. A
   * receiver whose first missing segment is sacked has thrown away what it had acknowledged (RFC 2018 8).
   */
  loseAll(): void {
    const reneged = this.count > 0 && this.has(0, SEGMENT.SACKED);
    this.sacked = this.presumed = this.lost = this.resent = 0;
    for (let i = 0; i < this.count; i++) {
      const at = this.at(i);
      let marks = this.marks[at]! & ~(SEGMENT.LOST | SEGMENT.RESENT);
      if (reneged) marks &= ~SEGMENT.SACKED;
      if ((marks & SEGMENT.SACKED) !== 0) this.sacked++;
      else {
        marks |= SEGMENT.LOST;
        this.lost++;
      }
      this.marks[at] = marks;
    }
  }

  /** A duplicate ACK without SACK: one segment behind the first missing one has arrived. */
  presume(): void {
    this.presumed = Math.min(this.presumed + 1, Math.max(0, this.count - this.lost - 1));
  }

  /** `gone` segments were acknowledged; all but the one that was missing had been presumed to have arrived. */
  unpresume(gone: number): void {
    this.presumed = Math.min(Math.max(0, this.presumed - (gone - 1)), this.count - this.lost);
  }

  /** The first lost segment that was not sent again, from `index` on; -1 if there is none. */
  nextLost(index: number): number {
    if (this.lost === this.resent) return -1;
    for (let i = index; i < this.count; i++) {
      if ((this.marks[this.at(i)]! & (SEGMENT.LOST | SEGMENT.RESENT)) === SEGMENT.LOST) return i;
    }
    return -1;
  }

  /** A segment goes out again. */
  resend(index: number, now: number): void {
    const at = this.at(index);
    if ((this.marks[at]! & (SEGMENT.LOST | SEGMENT.RESENT)) === SEGMENT.LOST) {
      this.marks[at]! |= SEGMENT.RESENT;
      this.resent++;
    }
    this.marks[at]! |= SEGMENT.AMBIGUOUS;
    this.times[at] = now;
  }

  clear(): void {
    this.count = this.sacked = this.presumed = this.lost = this.resent = 0;
  }

  private forget(marks: number): void {
    if ((marks & SEGMENT.SACKED) !== 0) this.sacked--;
    if ((marks & SEGMENT.LOST) !== 0) this.lost--;
    if ((marks & SEGMENT.RESENT) !== 0) this.resent--;
  }

  private at(index: number): number {
    return (this.head + index) & (this.sequences.length - 1);
  }

  private grow(): void {
    const capacity = this.sequences.length * 2;
    const sequences = new Int32Array(capacity);
    const lengths = new Int32Array(capacity);
    const marks = new Uint8Array(capacity);
    const times = new Float64Array(capacity);
    for (let i = 0; i < this.count; i++) {
      const at = this.at(i);
      sequences[i] = this.sequences[at]!;
      lengths[i] = this.lengths[at]!;
      marks[i] = this.marks[at]!;
      times[i] = this.times[at]!;
    }
    this.sequences = sequences;
    this.lengths = lengths;
    this.marks = marks;
    this.times = times;
    this.head = 0;
  }
}

/** Whether a segment sent at `time` was sent after another; of two at one time, the one that ends later. */
const isLater = (time: number, end: number, otherTime: number, otherEnd: number): boolean =>
  time > otherTime || (time === otherTime && isAfter(end, otherEnd));

const controls = (marks: number): number => (marks & SEGMENT.SYN) + ((marks & SEGMENT.FIN) >> 1);
