/**
 * What the three programs of host/paging have agreed on: who they are, where the bytes lie, which bytes whose page
 * holds, and what they tell each other.
 */
import type { Instant } from '../../node/program/verbs.js';

export const DRIVER = 0;
export const NEIGHBOUR = 1;
export const PEER = 2;

/** Processes of host 0, in the order in which they are placed. */
export const DRIVER_PROCESS = 0;
export const NEIGHBOUR_PROCESS = 1;

export const PAGE = 4096;
/** Where in its page the buffer begins. */
export const OFFSET = 64;
export const HEADER = 14;
/** IEEE 802 local experimental EtherType 2. */
export const ETHER_TYPE = 0x88b6;

export type PagingParameters = {
  readonly iommu: 'on' | 'off';
  readonly memory: 'pinned' | 'unpinned' | 'odp';
  readonly direction: 'read' | 'write';
  readonly size: number;
  readonly at: number;
};

/**
 * The driver begins a transfer; `moment` after it (ps) the neighbour uses one more page, or not at all if that is null.
 */
export interface Order {
  readonly round: number;
  readonly begins: Instant;
  readonly moment: number | null;
}

/** What the neighbour found in its own memory that is not what it had written there. */
export interface Damage {
  /** The page that it used at the moment: its number among the neighbour's, and its address. */
  readonly page: number;
  readonly address: number;
  readonly wrong: readonly { readonly address: number; readonly is: number }[];
}

/**
 * Bytes of a message, of what was in the buffer before, and of a neighbour's page never agree at any place: they differ
 * in their lowest two bits.
 */
const KIND = { message: 1, before: 2, neighbour: 3 } as const;

function byte(kind: number, which: number, place: number): number {
  return ((((place * 7 + which * 29) % 63) << 2) | kind) & 0xff;
}

/** Byte `place` of message `round`. */
export const messageByte = (round: number, place: number): number =>
  byte(KIND.message, round, place);
/** Byte `place` of the buffer before message `round` came. */
export const beforeByte = (round: number, place: number): number => byte(KIND.before, round, place);
/** Byte `place` of the neighbour's page `page`. */
export const neighbourByte = (page: number, place: number): number =>
  byte(KIND.neighbour, page, place);

export const bytesOf = (length: number, at: (place: number) => number): Uint8Array =>
  Uint8Array.from({ length }, (_, place) => at(place));
