/**
 * Who polls which byte of memory, and who last wrote it.
 *
 * A core that busy-polls a flag is notified when the flag changes. The chains of operations that were written into
 * memory without anybody watching are kept for a while by the address of their last byte, since that is the byte that a
 * program polls.
 */
import { LoggedChains, type ChainTable } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import type { FrameNumber } from './frame-number.js';
import { PAGE_SIZE, type PhysicalMemory } from './physical-memory.js';

export interface WatchWaiter {
  /** The byte at `address` differs from what was seen; row `row` of `chains` is what wrote it. */
  byteChanged(address: number, chains: ChainTable, row: number): void;
}

interface Watch {
  readonly address: number;
  readonly seen: number;
  readonly waiter: WatchWaiter;
}

const KEPT = 256;

const frameOf = (address: number): FrameNumber => Math.floor(address / PAGE_SIZE) as FrameNumber;

export class MemoryWatches {
  private readonly memory: PhysicalMemory;
  private watches: Watch[] = [];
  private readonly kept: LoggedChains;
  private readonly keptAddresses = new Float64Array(KEPT);
  private next = 0;

  constructor(memory: PhysicalMemory, log: ChainLog) {
    this.memory = memory;
    this.kept = new LoggedChains(log, KEPT);
  }

  /** Waits for the byte at physical `address` to differ from `seen`. */
  add(address: number, seen: number, waiter: WatchWaiter): void {
    // Its process may unpin it meanwhile: the byte that is polled is that page's all the same.
    this.memory.table.hold(frameOf(address));
    this.watches.push({ address, seen, waiter });
  }

  cancel(waiter: WatchWaiter): void {
    if (this.watches.length === 0) return;
    this.watches = this.watches.filter((watch) => {
      if (watch.waiter === waiter) this.memory.table.letGo(frameOf(watch.address));
      return watch.waiter !== waiter;
    });
  }

  /** `length` bytes from `address` were written by what row `row` of `chains` tells. */
  written(address: number, length: number, chains: ChainTable, row: number): void {
    let told = false;
    if (this.watches.length > 0) told = this.tell(address, length, chains, row);
    if (!told && chains.operation(row) !== 0 && length > 0) {
      this.keptAddresses[this.next] = address + length - 1;
      this.kept.copy(this.next, chains, row);
      this.next = (this.next + 1) % KEPT;
    }
  }

  /** Hands the chain of the operation that last wrote the byte at `address` to `take`, if it is still known. */
  lastWriter(address: number, take: (chains: ChainTable, row: number) => void): void {
    for (let back = 1; back <= KEPT; back++) {
      const row = (this.next - back + KEPT) % KEPT;
      if (this.keptAddresses[row] === address && this.kept.operation(row) !== 0) {
        take(this.kept, row);
        return;
      }
    }
  }

  /**
   * A core has stored anywhere, as part of the operation in row `row`: waiters that poll a changed byte are notified.
   */
  stored(chains: ChainTable, row: number): void {
    if (this.watches.length > 0) this.tell(0, Infinity, chains, row);
  }

  private tell(address: number, length: number, chains: ChainTable, row: number): boolean {
    // A notified waiter cancels its other watches and may add new ones; only the old ones are looked at.
    const told = new Set<WatchWaiter>();
    const before = this.watches;
    this.watches = [];
    for (const watch of before) {
      if (told.has(watch.waiter)) {
        this.memory.table.letGo(frameOf(watch.address));
        continue;
      }
      const inside = watch.address >= address && watch.address < address + length;
      if (inside && this.memory.bytes[watch.address] !== watch.seen) {
        told.add(watch.waiter);
        this.cancel(watch.waiter);
        this.memory.table.letGo(frameOf(watch.address));
        watch.waiter.byteChanged(watch.address, chains, row);
      } else {
        this.watches.push(watch);
      }
    }
    return told.size > 0;
  }
}
