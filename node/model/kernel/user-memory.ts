/**
 * The kernel's way to a program's memory: what a system call reads and writes there. Pages that are not present are
 * faulted in, at the cost of the core that makes the call.
 */
import { STAGE } from '../../../sim/stages.js';
import type { AddressSpace } from '../memory/address-space.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { KernelContext } from './kernel-context.js';
import type { SystemCaller } from './system-calls.js';

/** Bytes. */
const LEAST_SCRATCH = 1 << 16;

export class UserMemory {
  /** Where {@link fetch} has put what it read, and what {@link store} takes. */
  buffer: Uint8Array;
  at = 0;
  /** Bytes of memory whose frames are not adjacent, or may go, on their way. */
  private scratch = new Uint8Array(0);
  private readonly memory: PhysicalMemory;
  private readonly spaceOf: (core: number) => AddressSpace;

  constructor(memory: PhysicalMemory, spaceOf: (core: number) => AddressSpace) {
    this.memory = memory;
    this.spaceOf = spaceOf;
    this.buffer = memory.bytes;
  }

  /** Makes `length` bytes at `address` of the caller's memory readable at {@link at}; false if some are not mapped. */
  fetch(caller: SystemCaller, address: number, length: number, context: KernelContext): boolean {
    return this.reach(caller, address, length, false, context);
  }

  /**
   * Prepares to write `length` bytes at `address`: the caller writes at {@link at}, then calls {@link store}.
   */
  prepare(caller: SystemCaller, address: number, length: number, context: KernelContext): boolean {
    return this.reach(caller, address, length, true, context);
  }

  /** The first `length` bytes are there now. */
  store(caller: SystemCaller, address: number, length: number): void {
    if (this.buffer !== this.scratch) return;
    const { table } = this.spaceOf(caller.index);
    this.byPage(address, length, (page, offset, from, count) => {
      const physical = table.frameOf(page) * PAGE_SIZE + offset;
      this.memory.bytes.set(this.scratch.subarray(from, from + count), physical);
      return true;
    });
  }

  private reach(
    caller: SystemCaller,
    address: number,
    length: number,
    write: boolean,
    context: KernelContext,
  ): boolean {
    if (!Number.isSafeInteger(address) || !Number.isSafeInteger(length) || length < 0) return false;
    const space = this.spaceOf(caller.index);
    const physical = space.translate(address, length);
    if (physical >= 0) {
      this.buffer = this.memory.bytes;
      this.at = physical;
      return true;
    }
    if (this.scratch.length < length) {
      this.scratch = new Uint8Array(Math.max(LEAST_SCRATCH, 2 * length));
    }
    this.buffer = this.scratch;
    this.at = 0;
    return this.byPage(address, length, (page, offset, from, count) => {
      const done = space.faultIn(page, write, context.time);
      if (done < 0) return false;
      context.pass(done - context.time, STAGE.syscall);
      if (!write) {
        const there = space.table.frameOf(page) * PAGE_SIZE + offset;
        this.scratch.set(this.memory.bytes.subarray(there, there + count), from);
      }
      return true;
    });
  }

  /** Calls `piece` for each page of a range, until one says no. */
  private byPage(
    address: number,
    length: number,
    piece: (page: number, offset: number, from: number, count: number) => boolean,
  ): boolean {
    for (let from = 0; from < length;) {
      const page = Math.floor((address + from) / PAGE_SIZE);
      const offset = (address + from) % PAGE_SIZE;
      const count = Math.min(length - from, PAGE_SIZE - offset);
      if (!piece(page, offset, from, count)) return false;
      from += count;
    }
    return true;
  }
}
