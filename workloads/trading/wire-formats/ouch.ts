/**
 * OUCH 5.0 order entry: requests from the client, replies from the exchange, with their optional fields.
 *
 * What arrives may be anything: it is parsed to a record or to nothing. Optional fields with a tag that the
 * table does not have are passed over, as a later revision may add them.
 */
import { emitFields, parseFields, type Fields, type Layout, type RecordOf } from './layout.js';
import { OUCH_APPENDAGES, OUCH_INBOUND, OUCH_OUTBOUND } from './ouch-layouts.js';

/** The optional fields of a message, by name. */
type OuchOptions = Partial<RecordOf<typeof OUCH_APPENDAGES>>;

type Table = Readonly<Record<string, Layout>>;
type MessageOf<T extends Table> = {
  [Type in keyof T]: Omit<RecordOf<T[Type]['fields']>, 'type' | 'appendageLength'> & {
    type: Type;
    options?: OuchOptions;
  };
}[keyof T];

export type OuchRequest = MessageOf<typeof OUCH_INBOUND>;
export type OuchReply = MessageOf<typeof OUCH_OUTBOUND>;
export type EnterOrder = Extract<OuchRequest, { type: 'O' }>;

/** The longest message of either direction without its optional fields, and the most these can take. */
export const LONGEST_OUCH = 68;
export const LONGEST_OPTIONS = Object.values(OUCH_APPENDAGES).reduce(
  (sum, [, bytes]) => sum + 2 + bytes,
  0,
);

/** Reads the request in [at, end). Undefined if it is none, has another length, or an amount beyond 2^53. */
export const parseRequest = (bytes: Uint8Array, at: number, end: number): OuchRequest | undefined =>
  parse(OUCH_INBOUND, bytes, at, end) as OuchRequest | undefined;

/** Reads the reply in [at, end); undefined as {@link parseRequest}. */
export const parseReply = (bytes: Uint8Array, at: number, end: number): OuchReply | undefined =>
  parse(OUCH_OUTBOUND, bytes, at, end) as OuchReply | undefined;

/** Writes the request at `at` and answers its length, optional fields included. */
export const emitRequest = (request: OuchRequest, into: Uint8Array, at: number): number =>
  emit(OUCH_INBOUND[request.type], request, into, at);

export const emitReply = (reply: OuchReply, into: Uint8Array, at: number): number =>
  emit(OUCH_OUTBOUND[reply.type], reply, into, at);

function parse(table: Table, bytes: Uint8Array, at: number, end: number): object | undefined {
  if (at >= end || end > bytes.length) return undefined;
  const type = String.fromCharCode(bytes[at]!);
  if (!Object.hasOwn(table, type)) return undefined;
  const { fields, length } = table[type]!;
  if (end - at < length) return undefined;
  const record = parseFields(fields, bytes, at);
  if (record === undefined) return undefined;
  const { appendageLength, ...rest } = record;
  if (end - at !== length + Number(appendageLength ?? 0)) return undefined;
  if (end - at === length) return rest;
  const options = parseOptions(bytes, at + length, end);
  return options === undefined ? undefined : { ...rest, options };
}

function emit(layout: Layout, record: object, into: Uint8Array, at: number): number {
  const { fields, length } = layout;
  const { options, ...rest } = record as { options?: OuchOptions };
  const end = emitOptions(options ?? {}, into, at + length);
  const values = { ...rest, appendageLength: end - at - length };
  emitFields(fields, values as RecordOf<Fields>, into, at);
  return end - at;
}

/** `[1 + value's bytes][tag][value]`, repeated up to `end`. */
function parseOptions(bytes: Uint8Array, at: number, end: number): OuchOptions | undefined {
  const options: Record<string, unknown> = {};
  for (let from = at; from < end; from += 1 + bytes[from]!) {
    const length = bytes[from]!;
    if (length === 0 || from + 1 + length > end) return undefined;
    const known = BY_TAG[bytes[from + 1]!];
    if (known === undefined) continue;
    const [name, size, fields] = known;
    if (length !== 1 + size) return undefined;
    const value = parseFields(fields, bytes, from + 2);
    if (value === undefined) return undefined;
    options[name] = value['value'];
  }
  return options;
}

function emitOptions(options: OuchOptions, into: Uint8Array, at: number): number {
  let from = at;
  for (const known of BY_TAG) {
    if (known === undefined) continue;
    const [name, size, fields] = known;
    const value = options[name];
    if (value === undefined) continue;
    into[from] = 1 + size;
    into[from + 1] = OUCH_APPENDAGES[name][0];
    emitFields(fields, { value }, into, from + 2);
    from += 2 + size;
  }
  return from;
}

type OptionName = keyof typeof OUCH_APPENDAGES;
type Option = readonly [name: OptionName, bytes: number, fields: Fields];

/** Each optional field at the place of its tag, as a message of one field. */
const BY_TAG: readonly (Option | undefined)[] = Array.from({ length: 24 }, (_, tag) => {
  const names = Object.keys(OUCH_APPENDAGES) as OptionName[];
  const name = names.find((each) => OUCH_APPENDAGES[each][0] === tag);
  if (name === undefined) return undefined;
  const [, bytes, kind] = OUCH_APPENDAGES[name];
  return [name, bytes, { value: [0, bytes, kind] }];
});
