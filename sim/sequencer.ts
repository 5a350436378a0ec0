/**
 * Decides ties: events at one instant go by source, then by the order in which that source made them. A source is a
 * unit of an element: inside a host its cores in order, then its NIC. Nothing here depends on which process or thread
 * was faster.
 *
 *     key    source, 24 bits | sequence modulo 2^29        53 bits: a whole number that a double holds exactly
 *
 * The sequence wraps around, and {@link keyPrecedes} compares it as TCP compares its own: of two events of one source
 * that are pending for the same instant, the later made is the one ahead by less than half the range. A source that
 * makes an event every nanosecond needs a quarter of a second of virtual time for that half, and the two would have to
 * fall on one picosecond.
 */
import { MAX_ELEMENTS } from '../units/elements.js';

/** Units of one element; the last is the NIC. */
const UNITS = 256;
export const NIC_UNIT = UNITS - 1;
/** Frames that a fault made. */
export const FAULT_UNIT = UNITS - 2;
/** The kernel of a host: interrupts, softirqs, wake-ups. */
export const KERNEL_UNIT = UNITS - 3;

/** How many events one source may make in a run. */
const EVENTS_PER_SOURCE = 2 ** 40;
/** 2^53 / (65,536 * 256): sequence numbers before they begin again. */
export const SEQUENCE_RANGE = 2 ** 53 / (MAX_ELEMENTS * UNITS);
const HALF_RANGE = SEQUENCE_RANGE / 2;

/** Whether the event with key `a` goes before the one with key `b`, both at one instant. */
export function keyPrecedes(a: number, b: number): boolean {
  const ahead = b - a;
  if (ahead > -HALF_RANGE && ahead < HALF_RANGE) return ahead > 0;
  return ahead > 0 !== isSameSource(a, b);
}

/** Then the sequence of one of them has wrapped around. */
const isSameSource = (a: number, b: number): boolean =>
  Math.floor(a / SEQUENCE_RANGE) === Math.floor(b / SEQUENCE_RANGE);

export class Sequencer {
  private next: number;
  /** Where the sequence begins again, and how often it may. */
  private readonly end: number;
  private roundsLeft: number;

  /** `made`: how many events the source has made before. */
  constructor(element: number, unit: number, made = 0) {
    const first = (element * UNITS + unit) * SEQUENCE_RANGE;
    this.next = first + (made % SEQUENCE_RANGE);
    this.end = first + SEQUENCE_RANGE;
    this.roundsLeft = Math.ceil((EVENTS_PER_SOURCE - made) / SEQUENCE_RANGE);
  }

  /** The key of this source's next event. */
  key(): number {
    if (this.next === this.end) this.begin();
    return this.next++;
  }

  /** The sequence has come to its end. */
  private begin(): void {
    if (--this.roundsLeft <= 0) throw new Error('a source made more than 2^40 events in one run');
    this.next = this.end - SEQUENCE_RANGE;
  }
}
