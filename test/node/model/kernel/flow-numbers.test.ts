/** Flows by their hash: the numbers that a kernel gives them, and who read of them. */
import { describe, expect, it } from 'vitest';
import { FlowNumbers } from '../../../../node/model/kernel/flow-numbers.js';
import { RandomStream } from '../../../../sim/random.js';

describe('the numbers of flows', () => {
  it('are given once per hash, in order, whatever hashes there are', () => {
    let count = 0;
    const numbers = new FlowNumbers(() => count++);
    const random = new RandomStream(1, 'hashes');
    const model = new Map<number, number>();
    for (let i = 0; i < 30_000; i++) {
      // Hashes that differ in few bits, and the same ones again and again.
      const hash = random.below(2) === 0 ? random.word() : random.below(4000) * 2 ** 20;
      if (!model.has(hash)) model.set(hash, model.size);
      expect(numbers.of(hash)).toBe(model.get(hash));
    }
    expect(count).toBe(model.size);
  });

  it('tell which core’s program read of the flow last', () => {
    const numbers = new FlowNumbers(() => 0);
    expect(numbers.readerOf(7)).toBe(-1);
    numbers.readOn(7, 3);
    numbers.readOn(100_000, 2);
    expect([6, 7, 8, 100_000].map((flow) => numbers.readerOf(flow))).toEqual([-1, 3, -1, 2]);
  });
});
