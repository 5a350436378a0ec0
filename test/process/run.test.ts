import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { PING_PONG, pinwire, readResults, reproducible, ROOT, scratch } from './pinwire.js';

async function run(...args: string[]): Promise<ReturnType<typeof readResults>> {
  const json = join(scratch(), 'results.json');
  const options = ['--quiet', '--out', scratch(), '--json', json];
  const { code, stderr } = await pinwire(['run', PING_PONG, ...args, ...options]);
  expect(stderr.replaceAll(/\[host\d core 0 \+\S+ us\] (?:starts on|knows of us:) .*\n/g, '')).toBe(
    '',
  );
  expect(code).toBe(0);
  return readResults(json);
}

describe('cluster and results are the same, byte for byte,', () => {
  const cluster = ['--hosts', '6', '--seed', '7'];
  const reference = run(...cluster, '--placement', 'embedded');

  test.each([
    [['--placement', 'process']],
    [['--processes', '2']],
    [['--processes', '4', '--core-runtime', 'inline']],
    [['--processes', '1']],
    [['--placement', 'embedded', '--core-runtime', 'worker']],
  ])('as embedded, with %j', async (where) => {
    const results = await run(...cluster, ...where);
    expect(reproducible(results)).toBe(reproducible(await reference));
  });

  test('and another seed gives others', async () => {
    const results = await run('--hosts', '6', '--seed', '8', '--placement', 'embedded');
    expect(results.results[0]!.trace_hash).not.toBe((await reference).results[0]!.trace_hash);
  });
});

test('results fit the schema, and `run` tells how it went', async () => {
  const results = await run('--set', 'first=3');
  const schema = JSON.parse(readFileSync(join(ROOT, 'docs/results.schema.json'), 'utf8')) as object;
  const validate = new Ajv2020().compile(schema);
  expect(validate(results) ? [] : validate.errors).toEqual([]);
  expect(results.results.map(({ params }) => params['iterations'])).toEqual([3, 20]);
  expect(results.run).toMatchObject({ placement: 'process', coreRuntime: 'worker' });
  expect(results.run.pids).toHaveLength(2);
  expect(results.run.packets).toBeGreaterThan(0);
  expect(results.run.events).toBeGreaterThan(results.run.packets);
  expect(results.run.rounds).toBeGreaterThan(1);
  expect(results.run.start_s).toBeGreaterThan(0);
  expect(results.run.wall_s).toBeGreaterThan(0);
});

test('the real clock runs the same program and says that its figures are wall-clock', async () => {
  const args = ['run', PING_PONG, '--clock', 'real', '--out', scratch()];
  const { code, stdout } = await pinwire(args);
  expect(code).toBe(0);
  expect(stdout).toContain('wall-clock');
});

test('the seed is printed first; with --quiet nothing is printed', async () => {
  const args = ['run', PING_PONG, '--out', scratch()];
  expect((await pinwire([...args, '--seed', '42'])).stdout).toMatch(/^seed 42\n/);
  expect((await pinwire([...args, '--quiet'])).stdout).toBe('');
});

test('a TypeScript module of the user’s own runs, with what it imports from pinwire', async () => {
  const directory = scratch();
  writeFileSync(join(directory, 'roles.ts'), "export const role: 'sleeper' = 'sleeper';\n");
  writeFileSync(
    join(directory, 'own.ts'),
    `import { ACCESS } from 'pinwire';
import { defineWorkload } from 'pinwire/workload';
import { role } from './roles';
interface Slept { readonly until: number }
export default defineWorkload({
  name: '',
  summary: 'sleeps',
  parameters: {},
  hosts: 1,
  place: () => [{ host: 0, core: 0, role }],
  async program(core, task): Promise<Slept> {
    await core.sleep((1000 * ACCESS.REMOTE_READ) as never);
    return { until: core.now };
  },
  summarise: ([slept]) => ({
    verified: (slept as Slept).until === 4000,
    metrics: [{ name: 'slept', unit: 'ps', value: (slept as Slept).until }],
  }),
});
`,
  );
  const json = join(directory, 'results.json');
  const path = join(directory, 'own.ts');
  const options = ['--noise', 'off', '--json', json, '--out', directory];
  const { code, stderr } = await pinwire(['run', path, ...options]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const [result] = readResults(json).results;
  expect(result!.workload).toMatch(/own\.ts$/);
  expect(result!.virtual_ns).toBe(4);
});

test('--capture writes a file per host, in a directory per configuration where there are several', async () => {
  const directory = scratch();
  await run('--capture', directory);
  for (const host of ['host0', 'host1']) {
    expect(statSync(join(directory, `${host}.pcapng`)).size).toBeGreaterThan(1000);
  }
  await run('--set', 'first=3', '--capture', join(directory, 'both'));
  const size = (which: string): number =>
    statSync(join(directory, 'both', which, 'host0.pcapng')).size;
  expect(size('2')).toBeGreaterThan(size('1'));
  const { code, stdout } = await pinwire(['decode', join(directory, 'host0.pcapng')]);
  expect(code).toBe(0);
  expect(stdout).toContain('RC WRITE_ONLY');
});

test('a program finds neither the token nor anything else of ours in its environment', async () => {
  const env = { PINWIRE_TOKEN: 'a-token-for-other-clusters', PINWIRE_TOKEN_FILE: '/no/such/file' };
  const { code, stderr } = await pinwire(['run', PING_PONG, '--out', scratch()], { env });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^\[host0 core 0 \+\d+\.\d{3} us\] knows of us: \.$/m);
});
