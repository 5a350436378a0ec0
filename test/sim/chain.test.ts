import { describe, expect, it } from 'vitest';
import { LoggedChains, NOBODYS_CHAINS, type ChainTable } from '../../sim/chain.js';
import { ChainLog } from '../../sim/chain-log.js';
import { RandomStream } from '../../sim/random.js';
import { CHAIN_CELLS, SharedChains } from '../../sim/shared-chains.js';
import { STAGE, STAGE_COUNT } from '../../sim/stages.js';

const KINDS: readonly (readonly [string, (rows: number) => ChainTable])[] = [
  ['in a log', (rows) => new LoggedChains(new ChainLog(), rows)],
  ['in shared memory', (rows) => new SharedChains(new Float64Array(rows * CHAIN_CELLS))],
];

describe.each(KINDS)('a chain %s', (_, table) => {
  it('tiles the time since its start: each instant belongs to one stage', () => {
    const chains = table(2);
    chains.begin(0, 9, 100);
    chains.advance(0, STAGE.post, 140);
    chains.advance(0, STAGE.doorbell, 140);
    chains.advance(0, STAGE.nic_tx, 1000);
    chains.advance(0, STAGE.nic_tx, 900);
    const sums = chains.stages(0);
    expect(sums.reduce((a, b) => a + b, 0)).toBe(chains.asOf(0) - chains.started(0));
    expect(sums[STAGE.nic_tx]).toBe(860);
    expect(chains.started(0)).toBe(100);
  });

  it('of nobody costs and counts nothing', () => {
    const chains = table(2);
    chains.advance(0, STAGE.post, 140);
    chains.copy(1, chains, 0);
    expect(chains.operation(1)).toBe(0);
    chains.begin(1, 5, 10);
    chains.copy(1, NOBODYS_CHAINS, 0);
    expect(chains.operation(1)).toBe(0);
  });

  it('that was somebody’s and is nobody’s now tells nothing of what it was', () => {
    const chains = table(2);
    chains.begin(0, 9, 100);
    chains.advance(0, STAGE.post, 140);
    chains.clear(0);
    expect([chains.operation(0), chains.started(0), chains.asOf(0)]).toEqual([0, 0, 0]);
    expect(chains.stages(0)).toEqual(new Float64Array(STAGE_COUNT));
  });
});

describe('a row of shared memory', () => {
  it('is whole cache lines, and has a cell to spare beside the stages and its three others', () => {
    expect(CHAIN_CELLS % 8).toBe(0);
    expect(CHAIN_CELLS).toBeGreaterThanOrEqual(STAGE_COUNT + 4);
  });
});

interface PlainChain {
  operation: number;
  started: number;
  asOf: number;
  sums: number[];
}

function advance(chain: PlainChain, stage: number, at: number): void {
  if (chain.operation === 0 || at <= chain.asOf) return;
  chain.sums[stage]! += at - chain.asOf;
  chain.asOf = at;
}

describe('chains of all tables of a run', () => {
  // A log of 40 intervals is summed up every few steps.
  it.each([40, 1 << 16])(
    'equal plain ones, whatever is copied from where (log of %i)',
    (capacity) => {
      const random = new RandomStream(11, 'chains');
      const log = new ChainLog(capacity);
      const tables: ChainTable[] = [
        new LoggedChains(log, 5),
        new SharedChains(new Float64Array(4 * CHAIN_CELLS)),
        new LoggedChains(log, 3),
      ];
      tables.push(tables[0]!.alike(2), tables[1]!.alike(2));
      const nobody = (): PlainChain => ({
        operation: 0,
        started: 0,
        asOf: 0,
        sums: new Array<number>(STAGE_COUNT).fill(0),
      });
      const plain = tables.map(({ rows }) => Array.from({ length: rows }, nobody));
      let now = 1000;
      for (let step = 0; step < 20_000; step++) {
        const to = random.below(tables.length);
        const table = tables[to]!;
        const row = random.below(table.rows);
        const model = plain[to]!;
        now += random.below(50);
        switch (random.below(9)) {
          case 0:
            table.begin(row, step + 1, now - 7);
            model[row] = { ...nobody(), operation: step + 1, started: now - 7, asOf: now - 7 };
            break;
          case 1:
            table.clear(row);
            model[row] = nobody();
            break;
          case 2:
          case 3: {
            const from = random.below(tables.length);
            const source = random.below(tables[from]!.rows);
            table.copy(row, tables[from]!, source);
            const copied = plain[from]![source]!;
            model[row] = { ...copied, sums: [...copied.sums] };
            break;
          }
          case 4: {
            if (!(table instanceof LoggedChains)) break;
            const stages = Uint8Array.from({ length: 5 }, () => random.below(STAGE_COUNT));
            const instants = Float64Array.from(
              stages,
              (_, i) => now - 60 + 20 * i - random.below(30),
            );
            table.advanceThrough(row, stages, instants);
            for (const [i, at] of instants.entries()) advance(model[row]!, stages[i]!, at);
            break;
          }
          default: {
            const stage = random.below(STAGE_COUNT);
            const at = now - random.below(80);
            table.advance(row, stage, at);
            advance(model[row]!, stage, at);
          }
        }
        const expected = model[row]!;
        expect(table.operation(row)).toBe(expected.operation);
        if (expected.operation === 0) continue;
        expect([table.started(row), table.asOf(row)]).toEqual([expected.started, expected.asOf]);
        expect([...table.stages(row)]).toEqual(expected.sums);
      }
      for (const [index, table] of tables.entries()) {
        for (const [row, chain] of plain[index]!.entries()) {
          if (chain.operation !== 0) expect([...table.stages(row)]).toEqual(chain.sums);
        }
      }
    },
  );

  it('are not mixed with those of another run', () => {
    const [ours, theirs] = [
      new LoggedChains(new ChainLog(), 1),
      new LoggedChains(new ChainLog(), 1),
    ];
    theirs.begin(0, 1, 0);
    expect(() => {
      ours.copy(0, theirs, 0);
    }).toThrow('a chain of another run');
  });
});
