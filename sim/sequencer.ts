/**
 * Decides ties: events at one instant go by source, then by the order in which that source made them.
 * A source is a unit of an element: inside a host its cores in order, then its NIC. Nothing here depends on
 * which process or thread was faster.
 */
export const MAX_HOSTS = 512;
/** Units of one element; the last is the NIC. */
const UNITS = 256;
export const NIC_UNIT = UNITS - 1;
/** Frames that a fault made. */
export const FAULT_UNIT = UNITS - 2;
/** The kernel of a host: interrupts, softirqs, wake-ups. */
export const KERNEL_UNIT = UNITS - 3;
export const MAX_CORES = 128;
/** 2^53 / (512 * 256): how many events one unit may make in a run. */
const EVENTS_PER_SOURCE = 2 ** 36;

export class Sequencer {
  private next: number;
  private readonly end: number;

  constructor(element: number, unit: number) {
    this.next = (element * UNITS + unit) * EVENTS_PER_SOURCE;
    this.end = this.next + EVENTS_PER_SOURCE;
  }

  /** The key of this source's next event. */
  key(): number {
    const key = this.next++;
    if (key >= this.end) throw new Error('a source made more than 2^36 events in one run');
    return key;
  }
}
