/** Packet sequence numbers: 24 bits that wrap; comparison is modular (IBTA 9.7.1). */
import type { Brand } from './brand.js';

export type Psn = Brand<number, 'Psn'>;

export const PSN_MASK = 0xffffff;

export const psn = (value: number): Psn => (value & PSN_MASK) as Psn;
export const addPsn = (value: Psn, count: number): Psn => ((value + count) & PSN_MASK) as Psn;
/** How far `a` is ahead of `b`: negative if behind; in -2^23 .. 2^23-1. */
export const psnDistance = (a: Psn, b: Psn): number => ((a - b) << 8) >> 8;
