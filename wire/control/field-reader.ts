/**
 * Reads the fields of a record that came from outside. The first field that is not what it should be is kept as the
 * {@link problem}; what the reader answers after that is never used.
 */
export class FieldReader {
  problem: string | undefined;
  private readonly name: string;
  private readonly fields: Readonly<Record<string, unknown>>;

  constructor(name: string, value: unknown) {
    this.name = name;
    if (isRecord(value)) {
      this.fields = value;
    } else {
      this.fields = {};
      this.fail('', 'an object', value, undefined);
    }
  }

  any(field: string): unknown {
    return this.fields[field];
  }

  /** A whole number in least..most. */
  whole(field: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.fields[field];
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) {
      return value as number;
    }
    return this.fail(field, `a whole number in ${least}..${most}`, value, 0);
  }

  /** Any number but NaN; Infinity is one. */
  number(field: string, least = 0, most = Infinity): number {
    const value = this.fields[field];
    if (typeof value === 'number' && value >= least && value <= most) return value;
    return this.fail(field, `a number in ${least}..${most}`, value, 0);
  }

  flag(field: string): boolean {
    const value = this.fields[field];
    return typeof value === 'boolean' ? value : this.fail(field, 'true or false', value, false);
  }

  text(field: string, longest = 4096): string {
    const value = this.fields[field];
    if (typeof value === 'string' && value.length <= longest) return value;
    return this.fail(field, `a text of at most ${longest} characters`, value, '');
  }

  bytes(field: string, most: number): Uint8Array {
    const value = this.fields[field];
    if (value instanceof Uint8Array && value.length <= most) return value;
    return this.fail(field, `at most ${most} bytes`, value, new Uint8Array(0));
  }

  oneOf<T extends string>(field: string, choices: readonly [T, ...T[]]): T {
    const value = this.fields[field];
    if (choices.includes(value as T)) return value as T;
    return this.fail(field, `one of ${choices.join(', ')}`, value, choices[0]);
  }

  /** A list of at most `most` items, each read by `parse`, which answers with a text if it is wrong. */
  list<T extends object | number>(
    field: string,
    most: number,
    parse: (item: unknown) => T | string,
  ): T[] {
    const value = this.fields[field];
    if (!Array.isArray(value) || value.length > most) {
      return this.fail(field, `a list of at most ${most}`, value, []);
    }
    const items: T[] = [];
    for (const [index, item] of (value as unknown[]).entries()) {
      const parsed = parse(item);
      if (typeof parsed === 'string') {
        this.problem ??= `${this.name}.${field}[${index}]: ${parsed}`;
        return [];
      }
      items.push(parsed);
    }
    return items;
  }

  /** A record whose values all pass `holds`. */
  record<T>(field: string, holds: (value: unknown) => value is T): Record<string, T> {
    const value = this.fields[field];
    if (isRecord(value) && Object.values(value).every(holds)) return value as Record<string, T>;
    return this.fail(field, 'a record of the right kind of values', value, {});
  }

  /** A field that another parser reads: it answers with a text if it is wrong. */
  parsed<T extends object>(field: string, parse: (value: unknown) => T | string): T {
    const parsed = parse(this.fields[field]);
    if (typeof parsed !== 'string') return parsed;
    this.problem ??= `${this.name}.${field}: ${parsed}`;
    return {} as T;
  }

  /** Keeps the problem; `instead` stands in for the value. */
  private fail<T>(field: string, expected: string, value: unknown, instead: T): T {
    const at = field === '' ? this.name : `${this.name}.${field}`;
    this.problem ??= `${at}: expected ${expected}, not ${shown(value)}`;
    return instead;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value).slice(0, 40);
}
