/** ibv_access_flags: what a region or a queue pair allows, with the values of libibverbs where it has them. */
export const ACCESS = {
  LOCAL_WRITE: 1,
  REMOTE_WRITE: 2,
  REMOTE_READ: 4,
  REMOTE_ATOMIC: 8,
  /** SGEs and peers name the region's bytes from 0 on. */
  ZERO_BASED: 0x20,
  /** On-demand paging: nothing is pinned; the NIC takes page faults. */
  ON_DEMAND: 0x40,
} as const;

/** What a queue pair may allow. */
export const ACCESS_ALL =
  ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.REMOTE_ATOMIC;
/** What needs pages that can be written. */
export const ACCESS_WRITES = ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_ATOMIC;
