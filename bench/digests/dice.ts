/** Choices drawn from one seeded stream. */
import { RandomStream } from '../../sim/random.js';

export class Dice {
  private readonly stream: RandomStream;

  /** The same seed and purpose give the same draws. */
  constructor(seed: number, purpose: string) {
    this.stream = new RandomStream(seed, `digests ${purpose}`);
  }

  /** One of these. */
  of<T>(choices: readonly T[]): T {
    return choices[this.stream.below(choices.length)]!;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + this.stream.below(most - least + 1);
  }

  /** A whole number from 1 to `most`, as often below 100 as above where `most` is 10,000. */
  magnitude(most: number): number {
    return Math.max(1, Math.round(Math.exp(this.stream.unit() * Math.log(most))));
  }

  /** True once in `times` draws, on average. */
  oneIn(times: number): boolean {
    return this.stream.below(times) === 0;
  }

  /** These in any order. */
  shuffled<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.stream.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
    }
    return shuffled;
  }
}
