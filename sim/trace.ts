/**
 * The trace hash of one element: its stream of (time, source, header bytes without ICRC, length), folded word by word
 * into two 32-bit lanes (multiplication and rotation of xxHash's kind; equality is what it proves, not secrecy).
 */
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;

export class TraceHash {
  frames = 0;
  private low = 0x2545f491;
  private high = 0x6c078965;

  word(value: number): void {
    this.low = Math.imul(rotate(this.low + Math.imul(value, PRIME_2), 13), PRIME_1);
    this.high = Math.imul(rotate(this.high ^ (value + this.low), 17), PRIME_2);
  }

  /** The first `count` of `values`, each as {@link word} takes it. */
  words(values: Int32Array, count: number): void {
    let { low, high } = this;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      low = Math.imul(rotate(low + Math.imul(value, PRIME_2), 13), PRIME_1);
      high = Math.imul(rotate(high ^ (value + low), 17), PRIME_2);
    }
    this.low = low;
    this.high = high;
  }

  /** A whole number up to 2^53. */
  number(value: number): void {
    this.word(value | 0);
    this.word((value / 2 ** 32) | 0);
  }

  /** `length` bytes from `at`; the last word is padded with zeros. */
  bytes(view: DataView, at: number, length: number): void {
    const end = at + length;
    let next = at;
    for (; next + 4 <= end; next += 4) this.word(view.getInt32(next));
    let rest = 0;
    for (; next < end; next++) rest = (rest << 8) | view.getUint8(next);
    this.word(rest);
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return hex(finish(this.high ^ this.frames)) + hex(finish(this.low + this.high));
  }
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function finish(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_1);
  return hash ^ (hash >>> 16);
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** One hash of many: the digests in order of element name. */
export function combineDigests(digests: readonly string[]): string {
  const all = new TraceHash();
  for (const digest of digests) {
    all.word(parseInt(digest.slice(0, 8), 16) | 0);
    all.word(parseInt(digest.slice(8), 16) | 0);
  }
  return all.digest();
}
