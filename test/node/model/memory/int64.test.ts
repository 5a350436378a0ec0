/** Integers of 64 bits in memory, as a C program reads and writes them. */
import { describe, expect, it } from 'vitest';
import { readInt64, writeInt64 } from '../../../../node/model/memory/int64.js';

const LIMITS = [
  0,
  1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 52 + 1,
  Number.MAX_SAFE_INTEGER,
  -1,
  -(2 ** 31),
  -(2 ** 32),
  -(2 ** 32) - 1,
  Number.MIN_SAFE_INTEGER,
];

describe('a field of 64 bits', () => {
  it.each(LIMITS)('holds %d as an int64_t', (value) => {
    const view = new DataView(new Uint8Array(24).fill(0xa5).buffer);
    writeInt64(view, 8, value);
    expect(view.getBigInt64(8, true)).toBe(BigInt(value));
    expect(readInt64(view, 8)).toBe(value);
    expect([view.getUint8(7), view.getUint8(16)]).toEqual([0xa5, 0xa5]);
  });
});
