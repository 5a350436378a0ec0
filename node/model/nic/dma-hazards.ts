/**
 * What goes wrong when a device is given physical addresses: every piece that it moves is held against whose page its
 * frame holds at that moment, and whose it was when the driver looked the address up. Nothing is prevented; it is
 * counted, and told as records.
 */
import type { FrameNumber } from '../memory/frame-number.js';
import { OWNER_FREE } from '../memory/frame-table.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import { NEVER_LOOKED_UP, type BusLookups } from './bus-lookups.js';

/** Bytes of one descriptor that came from, or went to, one page that was not the driver's to use. */
export interface DmaHazard {
  /** `read`: the NIC read the victim's bytes and sent them. `write`: it wrote over them. */
  readonly kind: 'read' | 'write';
  /** The process whose descriptor it was. */
  readonly process: number;
  /** Whose page it was; -1: the frame was free, -2: the kernel's. */
  readonly victim: number;
  /** In the victim's memory; the physical address where no process has the page. */
  readonly address: number;
  /** Where in the frame (the packet) the bytes lie. */
  readonly offset: number;
  length: number;
  readonly qpNum: number;
  readonly wrId: number;
}

/** Whose transfer it is, and which. */
export interface Descriptor {
  readonly process: number;
  readonly qpNum: number;
  readonly wrId: number;
}

/** Records kept; later ones are only counted. */
const KEPT = 1024;

export class DmaHazards {
  readonly records: DmaHazard[] = [];
  /** Bytes sent, or lost on their way into the driver's buffer, that are not what they should be. */
  wrongBytes = 0;
  /** Bytes written over in pages of somebody else. */
  ruinedBytes = 0;
  private readonly memory: PhysicalMemory;
  private readonly lookups: BusLookups;

  constructor(memory: PhysicalMemory, lookups: BusLookups) {
    this.memory = memory;
    this.lookups = lookups;
  }

  /** `length` bytes at `physical`, within one page, are about to be moved: those at `offset` of the frame. */
  check(
    write: boolean,
    descriptor: Descriptor,
    physical: number,
    length: number,
    offset: number,
  ): void {
    const { table } = this.memory;
    const frame = Math.floor(physical / PAGE_SIZE) as FrameNumber;
    const { process } = descriptor;
    const owner = table.owner(frame);
    const page = table.page(frame);
    const found = this.lookups.pageIn(process, frame);
    if (owner === process && (found === NEVER_LOOKED_UP || found === page)) return;
    // A page that a fork left in both: reading it is reading one's own.
    if (!write && found === page && table.mapped(frame) > 1) return;
    this.wrongBytes += length;
    if (write && owner !== OWNER_FREE) this.ruinedBytes += length;
    // The next owner of the frame must not find what was written.
    if (write) table.soiled[frame] = 1;
    const address = owner < 0 ? physical : page * PAGE_SIZE + (physical % PAGE_SIZE);
    this.record(write, descriptor, owner, address, offset, length);
  }

  private record(
    write: boolean,
    { process, qpNum, wrId }: Descriptor,
    victim: number,
    address: number,
    offset: number,
    length: number,
  ): void {
    const { records } = this;
    const kind = write ? 'write' : 'read';
    const last = records.at(-1);
    const goesOn =
      last?.kind === kind &&
      last.qpNum === qpNum &&
      last.wrId === wrId &&
      last.victim === victim &&
      last.address + last.length === address &&
      last.offset + last.length === offset;
    if (goesOn) last.length += length;
    else if (records.length < KEPT) {
      records.push({ kind, process, victim, address, offset, length, qpNum, wrId });
    }
  }
}
