/**
 * What a record that comes from outside must look like, as data: the type of the message ({@link Infer}) and its reader
 * ({@link reader}) both follow from one shape. A reader takes nothing that a shape does not name, and answers with the
 * first thing that is wrong: `spec.programs[3]: program.host: expected a whole number in 0..1, not 7`.
 */
declare const TYPE: unique symbol;

/** What a value must look like; `T` is only for the compiler. */
export interface Shape<T> {
  readonly form: Form;
  readonly [TYPE]?: T;
}
export interface Choice<T extends string> extends Shape<T> {
  readonly choices: readonly T[];
}
export interface Optional<T> extends Shape<T> {
  readonly optional: true;
}

/** The type of what a shape reads. */
export type Infer<S> = S extends { readonly [TYPE]?: infer T } ? T : never;

/**
 * What limits may depend on: how large the cluster is that a message speaks of. A record that has fields of these names
 * sets it for the fields behind them.
 */
export interface Scope {
  readonly hosts: number;
  readonly cores: number;
  readonly processes: number;
}
type Limit = number | ((scope: Scope) => number);

export type Fields = Readonly<Record<string, Shape<unknown>>>;

type Form =
  | { readonly kind: 'anything' | 'flag' }
  | { readonly kind: 'whole' | 'number'; readonly least: number; readonly most: Limit }
  | { readonly kind: 'text' | 'bytes'; readonly most: number }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'list'; readonly most: Limit; readonly item: Shape<unknown> }
  | {
      readonly kind: 'dictionary';
      readonly most: number;
      readonly holds: (value: unknown) => boolean;
    }
  | { readonly kind: 'record'; readonly name: string; readonly fields: Fields }
  | {
      readonly kind: 'variants';
      readonly name: string;
      readonly variants: Readonly<Record<string, Fields>>;
    }
  | { readonly kind: 'nullable' | 'optional'; readonly shape: Shape<unknown> }
  | { readonly kind: 'saying'; readonly text: string; readonly shape: Shape<unknown> }
  | {
      readonly kind: 'mapped';
      readonly shape: Shape<unknown>;
      readonly map: (value: never) => unknown;
    }
  | {
      readonly kind: 'refined';
      readonly shape: Shape<unknown>;
      readonly holds: (value: never) => boolean;
      readonly text: string;
    }
  | { readonly kind: 'parsed'; readonly parse: (value: unknown) => unknown };

type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends Optional<unknown> ? K : never;
}[keyof F];
type Flat<T> = { readonly [K in keyof T]: T[K] };
/** The record that has these fields. */
type Fielded<F extends Fields> = Flat<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Infer<F[K]> } & {
    readonly [K in OptionalNames<F>]?: Infer<F[K]> | undefined;
  }
>;
/** One of several records, told apart by their `type`. */
type Varied<V extends Readonly<Record<string, Fields>>> = {
  [T in keyof V]: Flat<{ readonly type: T } & Fielded<V[T]>>;
}[keyof V];

/** Read where it is used: here nothing is asked of it, it may be missing. */
export const anything: Shape<unknown> = { form: { kind: 'anything' } };
export const flag: Shape<boolean> = { form: { kind: 'flag' } };

/** A whole number in least..most. */
export const whole = (least = 0, most: Limit = Number.MAX_SAFE_INTEGER): Shape<number> => ({
  form: { kind: 'whole', least, most },
});

/** Any number in least..most but NaN; Infinity is one. */
export const number = (least = 0, most: Limit = Infinity): Shape<number> => ({
  form: { kind: 'number', least, most },
});

/** A text of at most `most` characters. */
export const text = (most = 4096): Shape<string> => ({ form: { kind: 'text', most } });

/** A text for its reader's terminal: no control character gets there. */
export const printableText = (most = 4096): Shape<string> => mapped(text(most), printable);

export const bytes = (most: number): Shape<Uint8Array> => ({ form: { kind: 'bytes', most } });

export const choice = <const T extends string>(...choices: readonly T[]): Choice<T> => ({
  form: { kind: 'choice', choices },
  choices,
});

export const list = <T>(most: Limit, item: Shape<T>): Shape<readonly T[]> => ({
  form: { kind: 'list', most, item },
});

/** A record of any names, within limits, whose values all pass `holds`. */
export const dictionary = <T>(
  holds: (value: unknown) => value is T,
  most = MAX_NAMES,
): Shape<Readonly<Record<string, T>>> => ({ form: { kind: 'dictionary', most, holds } });

/** A record of these fields; errors in it are reported under `name`. */
export const record = <const F extends Fields>(name: string, fields: F): Shape<Fielded<F>> => ({
  form: { kind: 'record', name, fields },
});

/** Messages of one direction, told apart by their `type`: the fields of each. */
export const variants = <const V extends Readonly<Record<string, Fields>>>(
  name: string,
  each: V,
): Shape<Varied<V>> => ({ form: { kind: 'variants', name, variants: each } });

export const nullable = <T>(shape: Shape<T>): Shape<T | null> => ({
  form: { kind: 'nullable', shape },
});

/** In a record: the field may be missing. */
export const optional = <T>(shape: Shape<T>): Optional<T> => ({
  form: { kind: 'optional', shape },
  optional: true,
});

/** Says `problem` of whatever is wrong. */
export const saying = <T>(problem: string, shape: Shape<T>): Shape<T> => ({
  form: { kind: 'saying', text: problem, shape },
});

/** What arrived as `shape`, as the reader keeps it. */
export const mapped = <S, T>(shape: Shape<S>, map: (value: S) => T): Shape<T> => ({
  form: { kind: 'mapped', shape, map },
});

/** A value of `shape` that passes `holds`; otherwise `problem` is reported. */
export const refined = <T>(
  shape: Shape<T>,
  holds: (value: T) => boolean,
  problem: string,
): Shape<T> => ({ form: { kind: 'refined', shape, holds, text: problem } });

/** What a parser of its own reads: it answers with a text if it is wrong. */
export const parsed = <T extends object>(parse: (value: unknown) => T | string): Shape<T> => ({
  form: { kind: 'parsed', parse },
});

/** Names of a dictionary: how many, and how long. */
const MAX_NAMES = 2 ** 16;
const MAX_NAME = 1024;

const NOWHERE: Scope = { hosts: 0, cores: 0, processes: 0 };

/** Reads values of a shape: the value, without whatever the shape does not name, or what is wrong with it. */
export const reader =
  <T extends object>(shape: Shape<T>) =>
  (value: unknown, scope: Partial<Scope> = NOWHERE): T | string => {
    const found = read(shape, value, { ...NOWHERE, ...scope });
    return found instanceof Wrong ? found.text : (found as T);
  };

/** What is wrong with a value, and at which of its items. */
class Wrong {
  readonly text: string;
  readonly at: string;

  constructor(text: string, at = '') {
    this.text = text;
    this.at = at;
  }
}

/** The value as the reader keeps it, or a {@link Wrong}. */
function read({ form: shape }: Shape<unknown>, value: unknown, scope: Scope): unknown {
  switch (shape.kind) {
    case 'anything':
      return value;
    case 'flag':
      return typeof value === 'boolean' ? value : unlike('true or false', value);
    case 'whole':
    case 'number':
      return readNumber(shape, value, scope);
    case 'text':
      if (typeof value === 'string' && value.length <= shape.most) return value;
      return unlike(`a text of at most ${shape.most} characters`, value);
    case 'bytes':
      if (value instanceof Uint8Array && value.length <= shape.most) return value;
      return unlike(`at most ${shape.most} bytes`, value);
    case 'choice':
      if (shape.choices.includes(value as string)) return value;
      return unlike(`one of ${shape.choices.join(', ')}`, value);
    case 'list':
      return readList(shape, value, scope);
    case 'dictionary':
      return readDictionary(shape, value);
    case 'record':
      if (!isRecord(value)) return new Wrong(`${shape.name}: ${unlike('an object', value).text}`);
      return readFields(shape.name, shape.fields, value, {}, scope);
    case 'variants':
      return readVariant(shape, value, scope);
    default:
      return readWrapped(shape, value, scope);
  }
}

type Of<K extends Form['kind']> = Extract<Form, { readonly kind: K }>;

/** Shapes around another one. */
function readWrapped(
  shape: Of<'nullable' | 'optional' | 'saying' | 'mapped' | 'refined' | 'parsed'>,
  value: unknown,
  scope: Scope,
): unknown {
  if (shape.kind === 'parsed') {
    const parsed = shape.parse(value);
    return typeof parsed === 'string' ? new Wrong(parsed) : parsed;
  }
  if (shape.kind === 'nullable' && value === null) return null;
  const inner = read(shape.shape, value, scope);
  if (inner instanceof Wrong) return shape.kind === 'saying' ? new Wrong(shape.text) : inner;
  if (shape.kind === 'mapped') return shape.map(inner as never);
  if (shape.kind === 'refined' && !shape.holds(inner as never)) return new Wrong(shape.text);
  return inner;
}

function readNumber(
  { kind, least, most: limit }: Of<'whole' | 'number'>,
  value: unknown,
  scope: Scope,
): unknown {
  const most = limitOf(limit, scope);
  if (typeof value === 'number' && value >= least && value <= most) {
    if (kind === 'number' || Number.isSafeInteger(value)) return value;
  }
  return unlike(`a ${kind === 'whole' ? 'whole ' : ''}number in ${least}..${most}`, value);
}

function readList({ most: limit, item }: Of<'list'>, value: unknown, scope: Scope): unknown {
  const most = limitOf(limit, scope);
  if (!Array.isArray(value) || value.length > most)
    return unlike(`a list of at most ${most}`, value);
  const items: unknown[] = [];
  for (const [index, each] of (value as unknown[]).entries()) {
    const found = read(item, each, scope);
    if (found instanceof Wrong) return new Wrong(found.text, `[${index}]${found.at}`);
    items.push(found);
  }
  return items;
}

function readDictionary({ holds, most }: Of<'dictionary'>, value: unknown): unknown {
  if (!isRecord(value)) return unlike('a record of the right kind of values', value);
  const entries = Object.entries(value);
  if (entries.length > most) return new Wrong(`expected at most ${most} names`);
  const long = entries.find(([name]) => name.length > MAX_NAME);
  if (long !== undefined) return new Wrong(`expected names of at most ${MAX_NAME} characters`);
  if (entries.every(([, each]) => holds(each))) return value;
  return unlike('a record of the right kind of values', value);
}

function readVariant({ name, variants }: Of<'variants'>, value: unknown, scope: Scope): unknown {
  if (!isRecord(value)) return new Wrong(`${name}: ${unlike('an object', value).text}`);
  const type = value['type'];
  if (typeof type !== 'string' || !Object.hasOwn(variants, type)) {
    const known = Object.keys(variants).join(', ');
    return new Wrong(`${name}.type: ${unlike(`one of ${known}`, type).text}`);
  }
  return readFields(name, variants[type]!, value, { type }, scope);
}

/** Completes `result` by the fields of `value`. */
function readFields(
  name: string,
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
  result: Record<string, unknown>,
  scope: Scope,
): unknown {
  let inner = scope;
  for (const field in fields) {
    const shape = fields[field]!;
    if (shape.form.kind === 'optional' && value[field] === undefined) continue;
    const found = read(shape, value[field], inner);
    if (found instanceof Wrong) return new Wrong(`${name}.${field}${found.at}: ${found.text}`);
    result[field] = found;
    if (field in NOWHERE && typeof found === 'number') inner = { ...inner, [field]: found };
  }
  return result;
}

const limitOf = (limit: Limit, scope: Scope): number =>
  typeof limit === 'number' ? limit : limit(scope);

const unlike = (expected: string, value: unknown): Wrong =>
  new Wrong(`expected ${expected}, not ${shown(value)}`);

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value).slice(0, 40);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** Texts of one end are shown on the terminal of the other: no control character gets there. */
export const printable = (unprintable: string): string =>
  unprintable.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
