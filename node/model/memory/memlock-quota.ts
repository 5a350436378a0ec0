/**
 * How much memory may be kept from the pager: RLIMIT_MEMLOCK of a process, and what all of a host together may. As in
 * Linux, pages that regions pin and pages that are locked (mlock, or pinned for a driver) are each held against the
 * process's limit by themselves.
 */
import { PAGE_SIZE } from './physical-memory.js';

/** What all processes of a host keep. */
export class HostQuota {
  kept = 0;
  readonly pages: number;

  constructor(bytes: number) {
    this.pages = Math.floor(bytes / PAGE_SIZE);
  }
}

export class MemlockQuota {
  pinned = 0;
  locked = 0;
  /** How often {@link charge} has refused. */
  refusals = 0;
  /** Soft and hard limit, in pages. */
  limit: number;
  hard: number;
  private readonly host: HostQuota;

  constructor(bytes: number, host: HostQuota) {
    this.limit = this.hard = Math.floor(bytes / PAGE_SIZE);
    this.host = host;
  }

  /** Counts `pages` more; or says which limit is in the way, and counts nothing. */
  charge(kind: 'pinned' | 'locked', pages: number): string | undefined {
    const { host } = this;
    const after = this[kind] + pages;
    if (after > this.limit) {
      this.refusals++;
      return `${after} ${kind} pages exceed RLIMIT_MEMLOCK of the process, ${this.limit}`;
    }
    if (host.kept + pages > host.pages) {
      this.refusals++;
      return `${host.kept + pages} pages kept in memory by all processes exceed the limit of the host, ${host.pages}`;
    }
    this[kind] = after;
    host.kept += pages;
    return undefined;
  }

  discharge(kind: 'pinned' | 'locked', pages: number): void {
    this[kind] -= pages;
    this.host.kept -= pages;
  }
}
