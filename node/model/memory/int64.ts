/**
 * 64-bit integers in host memory: little-endian, two's complement, aligned to 8 bytes. In C such a field is a
 * `uint64_t` or `int64_t`; here it is a number, exact from -(2^53 - 1) to 2^53 - 1. Values that use all 64 bits
 * (an atomic's operands) are read and written as two halves instead.
 */
const TWO_32 = 2 ** 32;
const HIGH = 4;

export const readInt64 = (view: DataView, at: number): number =>
  view.getInt32(at + HIGH, true) * TWO_32 + view.getUint32(at, true);

/** `value` is a safe integer. */
export function writeInt64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setInt32(at + HIGH, Math.floor(value / TWO_32), true);
}
