/** Numbers with a unit as a person writes them, checked against the field that they are for. */
import { parseRate } from '../../units/rate.js';
import { formatSize, parseSize } from '../../units/size.js';
import { formatDuration, parseDuration } from '../../units/time.js';
import type { Field, Kind } from '../profiles/profile-fields.js';

/** In the kind's base unit (picoseconds, Gb/s, Gflop/s, bytes, a count), or a word. */
export type Quantity = number | string;

const EXPECTED: Readonly<Record<Kind, string>> = {
  cost: 'a time with its unit, such as 600ns',
  time: 'a time with its unit, such as 600ns',
  rate: 'a rate with its unit, such as 100Gbps or 7GB/s',
  flops: 'a rate with its unit, such as 6.8Gflop/s',
  size: 'a size in bytes, such as 4096 or 4KiB',
  buffer: 'a size in bytes, such as 16MiB, or unbounded',
  count: 'a whole number',
  choice: 'a word',
};

const NUMBER = /^([+-]?)([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(.*)$/i;
const GFLOPS: Readonly<Record<string, number>> = { 'Gflop/s': 1, 'Mflop/s': 1e-3, 'Tflop/s': 1e3 };
/** Capital B: bytes. Rates with a small b are bits, and units/rate.ts reads them. */
const GBPS_OF_BYTES: Readonly<Record<string, number>> = {
  'MB/s': 8e-3,
  'GB/s': 8,
  'TB/s': 8e3,
  MBps: 8e-3,
  GBps: 8,
  TBps: 8e3,
};

/** The quantity, or what is wrong with the text, as the end of a sentence about the key. */
export function parseQuantity(text: string, field: Field): Quantity | { wrong: string } {
  const trimmed = text.trim();
  if (field.kind === 'choice') {
    if (field.allowed?.includes(trimmed)) return trimmed;
    return { wrong: `expected ${list(field.allowed ?? [])}, not "${trimmed}"` };
  }
  if (field.kind === 'buffer' && trimmed === 'unbounded') return Infinity;
  const parts = NUMBER.exec(trimmed);
  const size = parts === null ? undefined : magnitude(parts[2]!, parts[3]!, field.kind);
  if (parts === null || size === undefined) {
    return { wrong: `expected ${EXPECTED[field.kind]}, not "${trimmed}"` };
  }
  const value = parts[1] === '-' && size !== 0 ? -size : size;
  if (value < 0 && field.least >= 0) return { wrong: `must not be negative: ${trimmed}` };
  if (field.allowed !== null && !field.allowed.includes(value)) {
    return { wrong: `must be ${list(field.allowed)}, not ${trimmed}` };
  }
  if (value < field.least || value > field.most) {
    const [least, most] = [field.least, field.most].map((limit) => formatBase(limit, field.kind));
    return { wrong: `must be between ${least!} and ${most!}, not ${trimmed}` };
  }
  return value;
}

function magnitude(
  digits: string,
  unit: string,
  kind: Exclude<Kind, 'choice'>,
): number | undefined {
  switch (kind) {
    case 'cost':
    case 'time':
      return parseDuration(digits + unit);
    case 'rate': {
      const bytes = GBPS_OF_BYTES[unit];
      return bytes === undefined ? parseRate(digits + unit) : Number(digits) * bytes;
    }
    case 'flops': {
      const scale = GFLOPS[unit];
      return scale === undefined ? undefined : Number(digits) * scale;
    }
    case 'size':
    case 'buffer':
      return parseSize(digits + unit);
    case 'count':
      return (unit === '' || unit === 'count') && Number.isSafeInteger(Number(digits))
        ? Number(digits)
        : undefined;
  }
}

function formatBase(value: number, kind: Kind): string {
  switch (kind) {
    case 'cost':
    case 'time':
      return formatDuration(value);
    case 'rate':
      return `${value} Gb/s`;
    case 'flops':
      return `${value} Gflop/s`;
    case 'size':
    case 'buffer':
      return formatSize(value);
    case 'count':
    case 'choice':
      return String(value);
  }
}

const list = (words: readonly (string | number)[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
