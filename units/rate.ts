/** Rates in Gb/s, as data sheets and perftest state them; 1 Gb/s = 1e9 bit/s. */
import type { Brand } from './brand.js';
import type { Picoseconds } from './time.js';

/** Picoseconds that one byte takes: 80 at 100 Gb/s. A fraction; only times made of it are whole. */
export type PicosecondsPerByte = Brand<number, 'PicosecondsPerByte'>;

/** A capital B would be bytes: eight times as much, so it is refused. */
const RATE = /^([0-9]*\.?[0-9]+)\s*([GMTgmt])(?:bps|b\/s|bit\/s)$/;
const GBPS_PER_UNIT: Readonly<Record<string, number>> = { g: 1, m: 1e-3, t: 1e3 };

/** Reads `100Gbps`, `57.9 Gb/s` as Gb/s; undefined if the text is no rate. */
export function parseRate(text: string): number | undefined {
  const match = RATE.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * GBPS_PER_UNIT[match[2]![0]!.toLowerCase()]!;
}

export const perByte = (gbps: number): PicosecondsPerByte => (8_000 / gbps) as PicosecondsPerByte;

/** The time `bytes` take at this rate, in whole picoseconds, rounded up. */
export const transferTime = (bytes: number, rate: PicosecondsPerByte): Picoseconds =>
  Math.ceil(bytes * rate) as Picoseconds;
