import { describe, expect, it } from 'vitest';
import { ReferenceMap } from '../../../../workloads/trading/market/reference-map.js';
import { seeded } from '../wire-formats/messages.js';

describe('a map by 64-bit references', () => {
  it('agrees with a Map through inserts, replacements and removals', () => {
    const random = seeded(3);
    const map = new ReferenceMap<{ value: number }>();
    const plain = new Map<string, { value: number }>();
    for (let step = 0; step < 40_000; step++) {
      // Few high words and a step of 4, as references come; growth in the first half, then decline.
      const high = Math.floor(random() * 3) * 0x7fffffff;
      const low = (Math.floor(random() * 800) * 4) >>> 0;
      const name = `${high}:${low}`;
      expect(map.get(high, low)).toBe(plain.get(name));
      if (random() < (step < 20_000 ? 0.6 : 0.4)) {
        const entry = { value: step };
        map.set(high, low, entry);
        plain.set(name, entry);
      } else {
        const was = plain.get(name);
        plain.delete(name);
        expect(map.delete(high, low)).toBe(was);
      }
    }
    expect(map.size).toBe(plain.size);
    expect(map.size).toBeGreaterThan(500);
  });
});
