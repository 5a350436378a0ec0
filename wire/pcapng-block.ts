/**
 * What pcapng's reader and writer agree on: block types, field offsets, option codes (draft-ietf-opsawg-pcapng).
 *
 *   0    |                         block type                           |
 *   4    |                     block total length                       |
 *   8    |                body, padded to 4 bytes                       |
 *   n-4  |                block total length, again                     |
 *
 * Offsets below count from the block's start.
 */
export const BLOCK = {
  /** Reads the same in both byte orders. */
  SECTION_HEADER: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete, but still found. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, and the length again. */
export const BLOCK_OVERHEAD = 12;

export const SECTION = { magic: 8, major: 12, minor: 14, sectionLength: 16, options: 24 } as const;
export const INTERFACE = { linkType: 8, snapLength: 12, options: 16 } as const;
export const ENHANCED = {
  interfaceId: 8,
  timeHigh: 12,
  timeLow: 16,
  captured: 20,
  original: 24,
  data: 28,
} as const;
/** As {@link ENHANCED}, but the interface has 16 bits, and drops the other 16. */
export const OBSOLETE = ENHANCED;
export const SIMPLE = { original: 8, data: 12 } as const;

export const OPTION = {
  END: 0,
  INTERFACE_NAME: 2,
  EPB_FLAGS: 2,
  USER_APPLICATION: 4,
  TIME_RESOLUTION: 9,
  TIME_OFFSET: 14,
} as const;
export const OPTION_HEADER_LENGTH = 4;

export const padTo4 = (length: number): number => Math.ceil(length / 4) * 4;
