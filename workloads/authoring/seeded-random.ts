/**
 * Numbers from a seed and a name, for what a workload makes up: the same wherever they are drawn, so that a program
 * and the check of its results can both draw them. xoshiro128** (Blackman and Vigna 2018), seeded by splitmix32.
 */

/** A stream of numbers in [0, 1), 53 bits each. Streams of different names have nothing to do with each other. */
export function seededRandom(seed: number, name: string): () => number {
  let mark = Math.imul(seed >>> 0, 0x9e3779b1) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b);
  for (let i = 0; i < name.length; i++) {
    mark = Math.imul(mark ^ name.charCodeAt(i), 0x01000193);
    mark ^= mark >>> 15;
  }
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word++) {
    mark = (mark + 0x9e3779b9) | 0;
    let mixed = Math.imul(mark ^ (mark >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    state[word] = mixed ^ (mixed >>> 15);
  }
  const next = (): number => {
    const [a, b, c, d] = state as unknown as [number, number, number, number];
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const low = c ^ a;
    const high = d ^ b;
    state[1] = b ^ low;
    state[0] = a ^ high;
    state[2] = low ^ (b << 9);
    state[3] = rotate(high, 11);
    return result;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
