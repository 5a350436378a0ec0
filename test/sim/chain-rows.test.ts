/** Rows of chains are claimed and released with the completion queues whose entries they follow. */
import { describe, expect, it } from 'vitest';
import { LoggedChains } from '../../sim/chain.js';
import { ChainLog } from '../../sim/chain-log.js';
import { ChainRows } from '../../sim/chain-rows.js';
import { RandomStream } from '../../sim/random.js';
import { chainMemory, SharedChains } from '../../sim/shared-chains.js';
import { STAGE } from '../../sim/stages.js';

const TABLES = {
  "a thread's own": () => new LoggedChains(new ChainLog(), 0),
  'shared memory': () => new SharedChains(chainMemory(1000)),
};

describe.each(Object.entries(TABLES))('rows of %s', (_name, newTable) => {
  it('are never of two queues, whatever comes and goes, and are used again', () => {
    const random = new RandomStream(7, 'chain rows');
    const rows = new ChainRows(newTable(), 1000);
    const queues: { row: number; count: number }[] = [];
    let most = 0;
    for (let turn = 0; turn < 1000; turn++) {
      if (queues.length > 0 && random.below(2) === 0) {
        const [{ row, count }] = queues.splice(random.below(queues.length), 1) as [
          (typeof queues)[number],
        ];
        rows.release(row, count);
        continue;
      }
      const count = 1 + random.below(40);
      const row = rows.claim(count);
      if (row < 0) continue;
      for (const other of queues) {
        const apart = row + count <= other.row || other.row + other.count <= row;
        expect(apart, `${row}+${count} and ${other.row}+${other.count}`).toBe(true);
      }
      most = Math.max(most, row + count);
      queues.push({ row, count });
    }
    expect(most).toBeLessThanOrEqual(1000);
    for (const { row, count } of queues) rows.release(row, count);
    expect(rows.claim(most)).toBe(0);
  });

  it('are refused beyond the limit, and counted', () => {
    const rows = new ChainRows(newTable(), 100);
    expect(rows.claim(60)).toBe(0);
    expect(rows.claim(41)).toBe(-1);
    expect(rows.claim(40)).toBe(60);
    expect(rows.refusals).toBe(1);
  });

  it('are nobody’s when they are claimed again', () => {
    const table = newTable();
    const rows = new ChainRows(table, 100);
    const first = rows.claim(10);
    table.begin(first + 3, 42, 0);
    rows.release(first, 10);
    expect(rows.claim(10)).toBe(first);
    expect(table.operation(first + 3)).toBe(0);
  });
});

it('a thread finds the rows that another one has added, and what is in them', () => {
  const memory = chainMemory(1000);
  const host = new SharedChains(memory);
  const core = new SharedChains(memory);
  host.grow(500);
  host.begin(499, 42, 1000);
  host.advance(499, STAGE.post, 1250);
  core.grow(500);
  expect(core.operation(499)).toBe(42);
  expect(core.stages(499)[STAGE.post]).toBe(250);
});
