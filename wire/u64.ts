/** 64-bit wire fields as two u32, and what people and programs outside of the hot path make of them. */
const TWO_32 = 2 ** 32;

/** As a JS number: exact below 2^53, which every virtual address of the emulator is. */
export const u64Number = (high: number, low: number): number => high * TWO_32 + low;
export const u64High = (value: number): number => Math.floor(value / TWO_32);
export const u64Low = (value: number): number => value >>> 0;

export const u64BigInt = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
export const bigIntHigh = (value: bigint): number => Number((value >> 32n) & 0xffffffffn);
export const bigIntLow = (value: bigint): number => Number(value & 0xffffffffn);

/** `0x` and 16 digits. */
export const formatU64 = (high: number, low: number): string =>
  `0x${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;
