/** The workloads of docs/authors.md run, by the commands that the page gives, and each of them verifies. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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

const run = async (
  line: string,
): Promise<{ code: number | null; stderr: string; json: string }> => {
  const json = join(scratch(), 'results.json');
  const args = line.split(' ').map((arg) => (arg.startsWith('./') ? join(directory, arg) : arg));
  const out = ['--out', scratch(), '--json', json, '--placement', 'embedded'];
  const { code, stderr } = await pinwire([...args, ...out]);
  return { code, stderr, json };
};

describe('the page for authors', () => {
  test.each(names)('has a %s that runs, and is right', async (name) => {
    const { code, stderr, json } = await run(`run ./${name}`);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinwire:')]);
    const { results } = readResults(json);
    expect(results.map(({ verified }) => verified)).toEqual(results.map(() => true));
    const { metrics, stages = [] } = results[0]!;
    const [latency] = metrics as { count: number; min: number }[];
    expect(latency!.min).toBeGreaterThan(0);
    if (latency!.count === 1 && stages.length > 0) {
      const sum = stages.reduce((total, { ps }) => total + ps, 0);
      expect(sum / 1000).toBeCloseTo(latency!.min, 6);
    }
  });

  test.each(commands)('has a command that works: pinwire %s', async (line) => {
    const { code, stderr } = await run(line);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinwire:')]);
  });
});
