/**
 * Control messages as bytes: MessagePack, plain objects without shared record definitions, so that each message stands
 * alone. Typed arrays keep their type; a Map arrives as an object.
 */
import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false, moreTypes: true });

/** The largest control message: input files and programs' results travel in them. */
export const MAX_CONTROL_BYTES = 512 * 2 ** 20;

export const packControl = (message: object): Uint8Array => packr.pack(message);

/** What the bytes hold, not yet checked. Throws on bytes that are no MessagePack. */
export const unpackControl = (bytes: Uint8Array): unknown => packr.unpack(bytes);
