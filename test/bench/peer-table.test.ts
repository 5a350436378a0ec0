import { describe, expect, it } from 'vitest';
import { formatCpu, peerResults, peerTable } from '../../bench/peers/peer-table.js';
import { WORKS } from '../../bench/peers/work.js';

const [work, other] = WORKS;
const rounds = [
  { pinwire: 4e-6, peer: 2e-6 },
  { pinwire: 2e-6, peer: 2e-6 },
  { pinwire: 8e-6, peer: 2e-6 },
];

describe('what a comparison found', () => {
  it('is, as JSON, a row of ratios for each work, and the reasons of those without one', () => {
    const results = peerResults([{ work: work!, rounds }], [{ work: other!, reason: 'no g++' }]);
    expect(JSON.parse(JSON.stringify(results))).toEqual({
      rows: [{ work: 'write-64KiB', peer: 'ns-3', ratio: { min: 0.25, median: 0.5, max: 1 } }],
      skipped: [{ work: 'write-4KiB', peer: 'ns-3', reason: 'no g++' }],
    });
  });

  it('is, as a table, lines of one width with the medians of both sides', () => {
    const lines = peerTable([{ work: work!, rounds }]);
    expect(lines[1]).toMatch(/ns-3 +4\.00 us +2\.00 us +0\.25 +0\.50 +1\.0$/);
    expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  });

  it.each([
    [2.5, '2.50 s'],
    [0.0123, '12.3 ms'],
    [4.56e-6, '4.56 us'],
    [0.789e-6, '0.789 us'],
  ])('prints %d s of CPU time as %s', (seconds, text) => {
    expect(formatCpu(seconds)).toBe(text);
  });
});
