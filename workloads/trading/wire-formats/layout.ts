/**
 * Layouts: one fixed-length message as a table of fields, and what reads and writes it by that table.
 *
 * Integers are unsigned and big-endian, text is ASCII, left-justified and padded with spaces, as all of
 * Nasdaq's formats have them. A record read and written again gives the same bytes, whatever they held.
 */

/** `text`: string. `number`: up to 6 bytes. `amount`: 8 bytes below 2^53. `wide`: 8 bytes, any value. */
export type FieldKind = 'text' | 'number' | 'amount' | 'wide';
export type Field = readonly [offset: number, bytes: number, kind: FieldKind];
export type Fields = Readonly<Record<string, Field>>;

export interface Layout {
  readonly title: string;
  readonly length: number;
  readonly fields: Fields;
}

type ValueOf<Kind extends FieldKind> = Kind extends 'text'
  ? string
  : Kind extends 'wide'
    ? bigint
    : number;
/** What a message of these fields says. */
export type RecordOf<F extends Fields> = { -readonly [Name in keyof F]: ValueOf<F[Name][2]> };

const SPACE = 0x20;

/**
 * Reads the fields of the message at `at`, which the caller knows to be whole. Undefined if an amount is 2^53 or more.
 */
export function parseFields<F extends Fields>(
  fields: F,
  bytes: Uint8Array,
  at: number,
): RecordOf<F> | undefined {
  const record: Record<string, string | number | bigint> = {};
  for (const name in fields) {
    const [offset, length, kind] = fields[name]!;
    const from = at + offset;
    switch (kind) {
      case 'text':
        record[name] = readText(bytes, from, length);
        break;
      case 'wide':
        record[name] =
          (BigInt(readNumber(bytes, from, 4)) << 32n) | BigInt(readNumber(bytes, from + 4, 4));
        break;
      case 'amount': {
        const value = readNumber(bytes, from, 8);
        if (!Number.isSafeInteger(value)) return undefined;
        record[name] = value;
        break;
      }
      case 'number':
        record[name] = readNumber(bytes, from, length);
    }
  }
  return record as RecordOf<F>;
}

/** Writes every byte of every field at `at`. A value that does not fit is our own bug: a RangeError. */
export function emitFields<F extends Fields>(
  fields: F,
  record: RecordOf<F>,
  into: Uint8Array,
  at: number,
): void {
  for (const name in fields) {
    const [offset, length, kind] = fields[name]!;
    const value: string | number | bigint = record[name];
    const from = at + offset;
    if (typeof value === 'bigint') {
      writeNumber(into, from, 4, Number(value >> 32n), name);
      writeNumber(into, from + 4, 4, Number(value & 0xffffffffn), name);
    } else if (kind === 'text') {
      writeText(into, from, length, String(value));
    } else {
      writeNumber(into, from, length, Number(value), name);
    }
  }
}

/** Exact below 2^53. */
function readNumber(bytes: Uint8Array, from: number, length: number): number {
  let value = 0;
  for (let i = from; i < from + length; i++) value = value * 256 + bytes[i]!;
  return value;
}

/** One character a byte; the padding is left out. */
function readText(bytes: Uint8Array, from: number, length: number): string {
  let end = from + length;
  while (end > from && bytes[end - 1] === SPACE) end--;
  let text = '';
  for (let i = from; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

function writeText(into: Uint8Array, from: number, length: number, text: string): void {
  if (text.length > length) throw new RangeError(`"${text}" does not fit in ${length} bytes`);
  for (let i = 0; i < length; i++) into[from + i] = i < text.length ? text.charCodeAt(i) : SPACE;
}

function writeNumber(
  into: Uint8Array,
  from: number,
  length: number,
  value: number,
  name: string,
): void {
  let rest = value;
  for (let i = from + length - 1; i >= from; i--) {
    into[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0 || !Number.isSafeInteger(value)) {
    throw new RangeError(`${name}: ${value} does not fit in ${length} bytes`);
  }
}
