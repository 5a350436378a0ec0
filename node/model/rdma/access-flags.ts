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
  /** Asks for relaxed ordering on PCIe, which not every device has: one of {@link ACCESS_OPTIONAL}. */
  RELAXED_ORDERING: 1 << 20,
} as const;

/** Flags that a device may ignore (IBV_ACCESS_OPTIONAL_RANGE), as this one does. */
export const ACCESS_OPTIONAL = 0x3ff00000;

/** What a queue pair may allow. */
export const ACCESS_ALL =
  ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.REMOTE_ATOMIC;
/** What needs pages that can be written. */
export const ACCESS_WRITES = ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_ATOMIC;
