/** The indirection table, set and shown as ethtool does it. */
import { describe, expect, it } from 'vitest';
import { IndirectionTable } from '../../../../node/model/nic/indirection-table.js';

const INVALID = 'Cannot set RX flow hash configuration: Invalid argument';
/** How many entries each queue has. */
const counts = (table: IndirectionTable): number[] =>
  Array.from(
    { length: Math.max(...table.entries) + 1 },
    (_, queue) => table.entries.filter((entry) => entry === queue).length,
  );

describe('the indirection table', () => {
  it('has all queues take turns until somebody sets it, whatever their number becomes', () => {
    const table = new IndirectionTable(3);
    expect([...table.entries.subarray(0, 7)]).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(table.resize(2)).toBeNull();
    expect(counts(table)).toEqual([64, 64]);
  });

  it('is indexed by the low bits of the hash', () => {
    const table = new IndirectionTable(8);
    expect(table.queueOf(0x51ccc178)).toBe(0x78 % 8);
    expect(table.queueOf(0xffffffff)).toBe(127 % 8);
  });

  it('is spread over N queues from a first one on by equal N start S', () => {
    const table = new IndirectionTable(8);
    expect(table.equal(3, 4)).toBeNull();
    expect([...table.entries.subarray(0, 4)]).toEqual([4, 5, 6, 4]);
    expect(table.equal(6, 4)).toEqual({ errno: 'EINVAL', message: INVALID });
    expect(table.equal(0)?.errno).toBe('EINVAL');
    expect([...table.entries.subarray(0, 4)]).toEqual([4, 5, 6, 4]);
  });

  it('gives each queue its weight of entries, in runs, as ethtool divides them', () => {
    const table = new IndirectionTable(4);
    expect(table.weight([6, 1, 0, 1])).toBeNull();
    expect(counts(table)).toEqual([96, 16, 0, 16]);
    expect(table.weight([1, 1, 1])).toBeNull();
    // 128 / 3 and 256 / 3, rounded down: queue 0 ends before entry 42, queue 1 before entry 85.
    expect(counts(table)).toEqual([42, 43, 43]);
    expect([...table.entries.subarray(41, 43)]).toEqual([0, 1]);
    expect(table.weight([1, 3], 2)).toBeNull();
    expect(counts(table)).toEqual([0, 0, 32, 96]);
  });

  it('refuses weights with ethtool’s words', () => {
    const table = new IndirectionTable(2, 8);
    expect(table.weight([0, 0])?.message).toBe('At least one weight must be non-zero');
    expect(table.weight([8, 1])?.message).toBe(
      'Total weight exceeds the size of the indirection table',
    );
    expect(table.weight([1, 1, 1])?.message).toBe(INVALID);
    expect(table.weight([-1, 2])?.message).toBe(INVALID);
    expect(table.weight([0.5, 1])?.message).toBe(INVALID);
    expect(counts(table)).toEqual([4, 4]);
  });

  it('takes any list of its own length whose queues exist', () => {
    const table = new IndirectionTable(4, 4);
    expect(table.set([3, 3, 0, 1])).toBeNull();
    expect([...table.entries]).toEqual([3, 3, 0, 1]);
    for (const wrong of [
      [0, 1],
      [0, 1, 2, 4],
      [0, 1, 2, -1],
      [0, 1, 2, NaN],
    ]) {
      expect(table.set(wrong)).toEqual({ errno: 'EINVAL', message: INVALID });
    }
    expect([...table.entries]).toEqual([3, 3, 0, 1]);
  });

  it('keeps a queue that a set table names, and lets it go after a reset', () => {
    const table = new IndirectionTable(4, 4);
    table.set([0, 1, 0, 3]);
    expect(table.resize(2)?.message).toMatch(/too low for existing indirection table/);
    expect(table.resize(8)).toBeNull();
    expect([...table.entries]).toEqual([0, 1, 0, 3]);
    table.reset();
    expect([...table.entries]).toEqual([0, 1, 2, 3]);
    expect(table.resize(2)).toBeNull();
    expect([...table.entries]).toEqual([0, 1, 0, 1]);
    expect(table.resize(0)?.errno).toBe('EINVAL');
  });

  it('is shown as ethtool -x shows it', () => {
    const table = new IndirectionTable(2, 16);
    expect(table.show('host0')).toBe(
      [
        'RX flow hash indirection table for host0 with 2 RX ring(s):',
        '    0:      0     1     0     1     0     1     0     1',
        '    8:      0     1     0     1     0     1     0     1',
      ].join('\n'),
    );
  });
});
