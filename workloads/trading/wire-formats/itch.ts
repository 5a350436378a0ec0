/**
 * ITCH 5.0 messages: every field of any of them as a record, and, for the data path, the fields that
 * change an order book in one {@link ItchMessage} that is read into again and again.
 */
import { ITCH_LAYOUTS, ITCH_TYPES, type ItchType } from './itch-layouts.js';
import { emitFields, parseFields, type RecordOf } from './layout.js';

type RecordOfType<Type extends ItchType> = Omit<
  RecordOf<(typeof ITCH_LAYOUTS)[Type]['fields']>,
  'type'
> & { type: Type };
/** A whole message, told apart by its `type`. */
export type ItchRecord = { [Type in ItchType]: RecordOfType<Type> }[ItchType];

/** The length of each type by its character; 0 where there is none. */
const LENGTHS: readonly number[] = Array.from({ length: 256 }, (_, code) => {
  const type = ITCH_TYPES.find((each) => each.charCodeAt(0) === code);
  return type === undefined ? 0 : ITCH_LAYOUTS[type].length;
});

/** The length that a message with this first byte has; 0 if there is no such type. */
export const itchLength = (code: number): number => LENGTHS[code] ?? 0;

/** Reads the message at `at`. Undefined if its type is unknown or it does not fit in what is there. */
export function parseItch(bytes: Uint8Array, at: number): ItchRecord | undefined {
  const code = bytes[at];
  const length = code === undefined ? 0 : itchLength(code);
  if (code === undefined || length === 0 || at + length > bytes.length) return undefined;
  const { fields } = ITCH_LAYOUTS[String.fromCharCode(code) as ItchType];
  return parseFields(fields, bytes, at) as ItchRecord | undefined;
}

/** Writes the message at `at`, every byte of it, and answers its length. */
export function emitItch(record: ItchRecord, into: Uint8Array, at: number): number {
  const { fields, length } = ITCH_LAYOUTS[record.type];
  emitFields(fields, record as RecordOf<typeof fields>, into, at);
  return length;
}

export const ADD = 0x41; // A
export const ADD_ATTRIBUTED = 0x46; // F
export const EXECUTED = 0x45; // E
export const EXECUTED_WITH_PRICE = 0x43; // C
export const CANCEL = 0x58; // X
export const DELETE = 0x44; // D
export const REPLACE = 0x55; // U

const BUY = 0x42; // B
const WORD = 2 ** 32;
const LOCATE_AT = ITCH_LAYOUTS.A.fields.stockLocate[0];
const TIMESTAMP_AT = ITCH_LAYOUTS.A.fields.timestamp[0];
const REFERENCE_AT = ITCH_LAYOUTS.A.fields.reference[0];
const ADDED = ITCH_LAYOUTS.A.fields;
const EXECUTED_AT = ITCH_LAYOUTS.E.fields.executedShares[0];
const CANCELLED_AT = ITCH_LAYOUTS.X.fields.cancelledShares[0];
const REPLACED = ITCH_LAYOUTS.U.fields;

/** Nanoseconds since midnight of the message at `at`. */
export const itchTimestamp = (view: DataView, at: number): number =>
  view.getUint16(at + TIMESTAMP_AT) * WORD + view.getUint32(at + TIMESTAMP_AT + 2);

/**
 * What one message says to an order book. Order references are 64 bits and stay two words, so that no
 * message costs a BigInt. Fields that the type does not have keep what they held before.
 */
export class ItchMessage {
  /** The type's character. */
  code = 0;
  locate = 0;
  /** Nanoseconds since midnight. */
  timestamp = 0;
  referenceHigh = 0;
  referenceLow = 0;
  /** U: the reference that the order has from now on. */
  newReferenceHigh = 0;
  newReferenceLow = 0;
  buy = false;
  /** A, F, U: of the order; E, C, X: taken from it. */
  shares = 0;
  /** In ten-thousandths. */
  price = 0;
  /** A, F: the symbol's eight characters. */
  stockHigh = 0;
  stockLow = 0;

  /** Reads the message at `at`, which is known to be whole and of a known type. */
  read(view: DataView, at: number): void {
    const code = view.getUint8(at);
    this.code = code;
    this.locate = view.getUint16(at + LOCATE_AT);
    this.timestamp = itchTimestamp(view, at);
    switch (code) {
      case ADD:
      case ADD_ATTRIBUTED:
        this.readReference(view, at);
        this.buy = view.getUint8(at + ADDED.side[0]) === BUY;
        this.shares = view.getUint32(at + ADDED.shares[0]);
        this.stockHigh = view.getUint32(at + ADDED.stock[0]);
        this.stockLow = view.getUint32(at + ADDED.stock[0] + 4);
        this.price = view.getUint32(at + ADDED.price[0]);
        break;
      case EXECUTED:
      case EXECUTED_WITH_PRICE:
        this.readReference(view, at);
        this.shares = view.getUint32(at + EXECUTED_AT);
        break;
      case CANCEL:
        this.readReference(view, at);
        this.shares = view.getUint32(at + CANCELLED_AT);
        break;
      case DELETE:
        this.readReference(view, at);
        break;
      case REPLACE:
        this.readReference(view, at);
        this.newReferenceHigh = view.getUint32(at + REPLACED.newReference[0]);
        this.newReferenceLow = view.getUint32(at + REPLACED.newReference[0] + 4);
        this.shares = view.getUint32(at + REPLACED.shares[0]);
        this.price = view.getUint32(at + REPLACED.price[0]);
    }
  }

  private readReference(view: DataView, at: number): void {
    this.referenceHigh = view.getUint32(at + REFERENCE_AT);
    this.referenceLow = view.getUint32(at + REFERENCE_AT + 4);
  }
}
