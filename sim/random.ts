/**
 * Seeded streams. Each element and purpose draws from its own, derived from (seed, name), so neither placement nor
 * another element's draws can change what it gets. The generator is sfc32 (C. Doty-Humphrey, PractRand), seeded by
 * FNV-1a over the name and a murmur3 finaliser.
 */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, name: string) {
    const hash = fnv1a(name);
    this.a = finalise(hash ^ (seed >>> 0));
    this.b = finalise(hash + 0x9e3779b9 + Math.floor(seed / 2 ** 32));
    this.c = finalise((hash ^ 0x85ebca6b) + (seed >>> 0));
    for (let i = 0; i < 12; i++) this.word();
  }

  /** A whole number in 0 .. 2^32-1. */
  word(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }

  /** In [0, 1), with 32 bits. */
  unit(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number in 0 .. bound-1. */
  below(bound: number): number {
    return Math.floor(this.unit() * bound);
  }

  /** Exponential with this mean; never negative. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit());
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

function finalise(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
