/** The numbers by which verbs name things. A key is index << 8 | tag (IBTA 10.6.3.5; the tag is the consumer's). */
import type { Brand } from './brand.js';

export type Lkey = Brand<number, 'Lkey'>;
export type Rkey = Brand<number, 'Rkey'>;

export const lkey = (value: number): Lkey => (value >>> 0) as Lkey;
export const rkey = (value: number): Rkey => (value >>> 0) as Rkey;

/** ibv_inc_rkey: only the low 8 bits change, modulo 256; the index stays. */
export const incrementRkey = (key: Rkey): Rkey =>
  (((key & 0xffffff00) | ((key + 1) & 0xff)) >>> 0) as Rkey;
