/**
 * What stands in front of every message between two ranks.
 *
 *     0      1         2        4      8        12       16
 *   | kind | credits | 0      | tag  | length | number | payload ...
 *
 * `credits` gives receives back to the sender of messages in the other direction. `number` names a rendezvous.
 * Little-endian, as both ends are.
 */
import type { Rkey } from '../../node/program/verbs.js';

export const HEADER_BYTES = 16;
/** Payload of a request: where the data is. */
export const REQUEST_BYTES = 16;

export const KIND = {
  /** The data follows. */
  eager: 1,
  /** The data is at the sender's, to be read from there. */
  request: 2,
  /** What a request offered was read. */
  finished: 3,
  /** Nothing but credits. */
  credits: 4,
} as const;

export interface Header {
  readonly kind: number;
  readonly credits: number;
  readonly tag: number;
  /** Of the data, in bytes. */
  readonly length: number;
  readonly number: number;
}

export function emitHeader(
  header: Omit<Header, 'credits'>,
  credits: number,
  into: DataView,
  at: number,
): void {
  into.setUint8(at, header.kind);
  into.setUint8(at + 1, credits);
  into.setUint16(at + 2, 0);
  into.setInt32(at + 4, header.tag, true);
  into.setUint32(at + 8, header.length, true);
  into.setUint32(at + 12, header.number, true);
}

export const parseHeader = (from: DataView, at: number): Header => ({
  kind: from.getUint8(at),
  credits: from.getUint8(at + 1),
  tag: from.getInt32(at + 4, true),
  length: from.getUint32(at + 8, true),
  number: from.getUint32(at + 12, true),
});

/** Where a rendezvous's data is. */
export interface Offer {
  readonly address: number;
  readonly rkey: Rkey;
}

export function emitOffer({ address, rkey }: Offer, into: DataView, at: number): void {
  into.setFloat64(at, address, true);
  into.setUint32(at + 8, rkey, true);
  into.setUint32(at + 12, 0);
}

export const parseOffer = (from: DataView, at: number): Offer => ({
  address: from.getFloat64(at, true),
  rkey: from.getUint32(at + 8, true) as Rkey,
});
