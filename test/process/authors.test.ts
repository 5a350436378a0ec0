/** The workloads of docs/authors.md run, by the commands that the page gives, and each of them verifies. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DistributionMetric } from '../../coordinator/report/results.js';
import { blocksOf } from '../docs/page-blocks.js';
import { pinwire, readResults, ROOT, scratch } from './pinwire.js';

const page = readFileSync(join(ROOT, 'docs', 'authors.md'), 'utf8');
const directory = scratch();
const names = blocksOf(page, 'ts').map((source) => {
  const name = /^\/\/ (\S+)/.exec(source)![1]!;
  writeFileSync(join(directory, name), source);
  return name;
});
const commands = blocksOf(page, 'sh')
  .flatMap((block) => block.trimEnd().split('\n'))
  .flatMap((line) => /^npx pinwire (.*)$/.exec(line)?.[1] ?? []);
/** A workload that no command runs is run as it is. */
const others = names.map((name) => `run ./${name}`).filter((line) => !commands.includes(line));

describe('the page for authors', () => {
  test.each([...commands, ...others])('is right that this works: pinwire %s', async (line) => {
    const json = join(scratch(), 'results.json');
    const args = line.split(' ').map((arg) => (arg.startsWith('./') ? join(directory, arg) : arg));
    const out = ['--out', scratch(), '--json', json, '--placement', 'embedded'];
    const { code, stderr } = await pinwire([...args, ...out]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinwire:')]);
    const { results } = readResults(json);
    expect(results.map(({ verified }) => verified)).toEqual(results.map(() => true));
    for (const { metrics, stages } of results) {
      const [latency] = metrics as readonly DistributionMetric[];
      expect(latency!.min).toBeGreaterThan(0);
      const sum = (stages ?? []).reduce((total, { ps }) => total + ps, 0) / 1000;
      if (stages !== undefined) expect(sum).toBeGreaterThanOrEqual(latency!.min);
      expect(sum).toBeLessThanOrEqual(latency!.max);
    }
  });

  test('has workloads', () => {
    expect(names).toEqual(['round-trip.ts', 'read-sizes.ts', 'token-ring.ts', 'datagrams.ts']);
  });
});
