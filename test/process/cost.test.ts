/** What a run costs between processes: in its results, in the report, in a line for people. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { pinwire, readResults, ROOT, scratch } from './pinwire.js';

const schema = JSON.parse(
  readFileSync(join(ROOT, 'docs', 'results.schema.json'), 'utf8'),
) as object;
const isValid = new Ajv2020().compile(schema);

async function run(...args: string[]) {
  const out = scratch();
  const ended = await pinwire(['run', ...args, '--out', out]);
  expect(ended.stderr).toBe('');
  expect(ended.code).toBe(0);
  const results = readResults(join(out, 'results.json'));
  expect(isValid(results), JSON.stringify(isValid.errors)).toBe(true);
  const report = readFileSync(join(out, 'report.html'), 'utf8');
  return { ...ended, run: results.run, report };
}

describe('a run over processes', () => {
  test('says of each how long it simulated, and for whom it waited: together the whole time', async () => {
    const args = ['--hosts', '3', '--set', 'iterations=200', '--set', 'size=256'];
    const { run: info, stdout, report } = await run('micro/send-lat', ...args);
    const { cost } = info;
    expect(cost!.rounds).toBe(info.rounds);
    expect(cost!.fabric_messages).toBeGreaterThan(400);
    expect(cost!.fabric_bytes).toBeGreaterThan(400 * 256);
    expect(cost!.control_bytes).toBeGreaterThan(0);
    expect(cost!.processes.map(({ process }) => process)).toEqual(['host0', 'host1', 'host2']);
    for (const each of cost!.processes) {
      const waits = Object.values(each.for).reduce((sum, value) => sum + value, 0);
      expect(waits).toBeCloseTo(each.waiting_s, 4);
      const whole = each.busy_s + each.waiting_s;
      expect(whole).toBeGreaterThan(0.9 * info.wall_s - 0.02);
      expect(whole).toBeLessThan(1.1 * info.wall_s + 0.05);
    }
    const [host0, host1, host2] = cost!.processes;
    // Two play ping-pong, and wait for one another; the third has nothing to do.
    expect(host0!.for['host1']).toBeGreaterThan(0.5 * host0!.waiting_s);
    expect(host1!.for['host0']).toBeGreaterThan(0.5 * host1!.waiting_s);
    expect(host2!.for['end']).toBeGreaterThan(0.5 * host2!.waiting_s);
    expect(stdout).toMatch(
      /\ncost: \d[\d,]* rounds, \S+ [kM]B between processes; waited most: host[01] for host[01] .* m?s\n/,
    );
    expect(report).toContain('What it cost to keep the processes synchronized');
  });

  test('on the real clock needs no leave, and waits for nobody in particular', async () => {
    const args = ['--clock', 'real', '--core-runtime', 'inline', '--set', 'iterations=100'];
    const { run: info } = await run('micro/write-lat', ...args);
    const [host0] = info.cost!.processes;
    expect(host0!.for).toEqual({});
    expect(host0!.busy_s).toBeGreaterThan(0);
    expect(host0!.busy_s + host0!.waiting_s).toBeLessThan(1.2 * info.wall_s + 0.05);
  });
});

test('in one process there is nothing to wait for, and nothing is said', async () => {
  const args = ['--placement', 'embedded', '--set', 'iterations=100'];
  const { run: info, stdout, report } = await run('micro/write-lat', ...args);
  expect(info.cost).toBeUndefined();
  expect(stdout).not.toContain('cost:');
  expect(report).not.toContain('to keep the processes synchronized');
});

test('a command that asked for columns or for silence gets no line', async () => {
  const args = ['micro/write-lat', '--set', 'iterations=50'];
  expect((await run(...args, '--format', 'perftest')).stdout).not.toContain('cost:');
  expect((await run(...args, '--quiet')).stdout).toBe('');
});
