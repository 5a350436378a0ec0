/**
 * The NIC's cache of queue pair state: finite, the least recently used goes first. A miss is fetched from host memory
 * by one unit, so misses also bound the rate: what 144 queue pairs do to a ConnectX-3 (profiles,
 * `nic.qp_cache_entries`).
 */
import type { Profile } from '../../spec/profile.js';
import { Bookings } from './bookings.js';

export class QpStateCache {
  misses = 0;
  private readonly entries: number;
  private readonly miss: number;
  /** Indices of queue pairs, least recently used first. */
  private readonly cached = new Set<number>();
  private readonly fetches: Bookings;

  constructor({ qpCacheEntries, qpCacheMiss }: Profile['nic'], clock: { readonly now: number }) {
    this.fetches = new Bookings(clock);
    this.entries = qpCacheEntries;
    this.miss = qpCacheMiss;
  }

  /** Whether there is room for the state of all `live` queue pairs: then nothing need be looked up. */
  holdsAll(live: number): boolean {
    return live <= this.entries;
  }

  /** How long after `at`, when it is wanted, the state of queue pair `index` is there. */
  wait(index: number, at: number): number {
    const hit = this.cached.delete(index);
    this.cached.add(index);
    if (hit) return 0;
    if (this.cached.size > this.entries) this.evict();
    this.misses++;
    return this.fetches.book(at, this.miss) - at;
  }

  forget(index: number): void {
    this.cached.delete(index);
  }

  private evict(): void {
    for (const oldest of this.cached) {
      this.cached.delete(oldest);
      return;
    }
  }
}
