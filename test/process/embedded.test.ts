/**
 * `pinwire/embedded`, as it is built: the command's results, what it costs, what it leaves, and its page's examples.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { argvOf, draw, type Draw } from '../../bench/digests/draw.js';
import type * as Library from '../../coordinator/embedded/run-embedded.js';
import type { EmbeddedOptions, EmbeddedRun } from '../../coordinator/embedded/run-embedded.js';
import { pinwire, readResults, ROOT, scratch } from './pinwire.js';

const BUILT = pathToFileURL(join(ROOT, 'dist', 'coordinator', 'embedded', 'run-embedded.js')).href;
const { runEmbedded } = (await import(BUILT)) as typeof Library;
const DRAWS = 12;
const SEED = 11;

/** A draw in this process: its placement is of no account. */
function embeddedOptions({ workload, settings, options }: Draw): EmbeddedOptions {
  const { hosts, cores, profile, mtu, topology, noise, seed, fault, trace, capture } = options;
  return {
    workload,
    params: settings,
    hosts: Number(hosts),
    cores: Number(cores),
    profile: String(profile),
    mtu: mtu as number | undefined,
    topology: topology as EmbeddedOptions['topology'],
    noise: noise === 'on',
    seed: Number(seed),
    faults: fault === undefined ? [] : [String(fault)],
    trace: trace as EmbeddedOptions['trace'],
    capture: capture !== undefined,
  };
}

/** The same draw for the command, in one process as well. */
function commandOptions(drawn: Draw): string[] {
  const placed = ['placement', 'processes', 'core-runtime'];
  const own = Object.entries(drawn.options).filter(([name]) => !placed.includes(name));
  return argvOf({ ...drawn, options: { ...Object.fromEntries(own), placement: 'embedded' } });
}

describe('the library computes what the command does', () => {
  test.each(Array.from({ length: DRAWS }, (_, index) => index))('draw %i', async (index) => {
    const drawn = draw(SEED, index);
    const directory = scratch();
    const json = join(directory, 'results.json');
    const captures = join(directory, 'captures');
    const argv = commandOptions(drawn).map((each) => (each === 'captures' ? captures : each));
    const { code, stderr } = await pinwire([
      ...argv,
      '--quiet',
      '--out',
      directory,
      '--json',
      json,
    ]);
    const run = await runEmbedded(embeddedOptions(drawn)).catch((error: unknown) => {
      // What fails in one place fails in the other, with the same words.
      const { message, run: known } = error as { message: string; run: EmbeddedRun };
      expect(stderr).toContain(`pinwire: ${message}`);
      expect(code).toBe(1);
      return known;
    });
    const told = readResults(json);
    expect(run.results).toEqual(told.results);
    expect(run).toMatchObject({ events: told.run.events, packets: told.run.packets });
    const [only] = told.results;
    if (told.results.length === 1) {
      expect(run.traceHash).toBe(only!.trace_hash);
      expect(run.virtualTime).toBe(Math.round(only!.virtual_ns * 1000));
    }
    for (const [name, bytes] of Object.entries(run.captures)) {
      expect(readFileSync(join(captures, `${name}.pcapng`)).equals(bytes)).toBe(true);
    }
    expect(Object.keys(run.captures).length > 0).toBe(drawn.options['capture'] !== undefined);
  });
});

describe('--until', () => {
  test.each([
    ['embedded', ['--placement', 'embedded']],
    ['process', ['--placement', 'process']],
    ['two processes', ['--hosts', '4', '--processes', '2']],
    ['inline cores', ['--core-runtime', 'inline']],
  ])('ends a run at the same state: %s', async (_where, placement) => {
    const json = join(scratch(), 'results.json');
    const args = ['run', 'micro/write-bw', '--until', '60us', '--json', json, '--out', scratch()];
    const { code, stderr } = await pinwire([...args, ...placement]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [result] = readResults(json).results;
    expect(result).toMatchObject({ verified: null, metrics: [], virtual_ns: 60_000 });
    expect(result!.note).toMatch(/^stopped at 60 us/);
    const hosts = placement.includes('4') ? 4 : 2;
    const embedded = await runEmbedded({ workload: 'micro/write-bw', until: '60us', hosts });
    expect(embedded.results).toEqual([result]);
  });
});

const CHILD = `
import { runEmbedded } from ${JSON.stringify(BUILT)};
const turn = () => new Promise((resolve) => setImmediate(resolve));
async function settled() {
  for (let i = 0; i < 3; i++) { gc(); await turn(); }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
const programs = [0, 1].map(() => async (core) => {
  cores.push(new WeakRef(core));
  return core.allocate(1 << 20);
});
let cores = [];
const cpu = [];
for (let seed = 1; seed <= 5; seed++) {
  await runEmbedded({ workload: 'micro/write-lat', params: { iterations: 10 }, seed });
  await runEmbedded({ programs, seed });
}
const before = await settled();
cores = [];
for (let seed = 1; seed <= 100; seed++) await runEmbedded({ programs, seed });
const after = await settled();
const alive = cores.filter((each) => each.deref() !== undefined).length;
for (let seed = 1; seed <= 10; seed++) {
  const used = process.cpuUsage();
  await runEmbedded({ programs, seed, cores: 1, memory: '4MiB' });
  const { user, system } = process.cpuUsage(used);
  cpu.push((user + system) / 1e3);
}
cpu.sort((a, b) => a - b);
console.log(JSON.stringify({ grown: after - before, alive, least: cpu[0] }));
`;

test('a hundred seeds in one process cost little, and keep nothing of each other alive', () => {
  const args = ['--expose-gc', '--input-type=module', '--eval', CHILD];
  const told = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as {
    readonly grown: number;
    readonly alive: number;
    readonly least: number;
  };
  expect(told.alive).toBe(0);
  // A host's memory is 64 MiB.
  expect(told.grown).toBeLessThan(4 * 2 ** 20);
  // The least: what else this machine does costs time, too.
  expect(told.least).toBeLessThan(50);
});

describe('docs/embedded.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'embedded.md'), 'utf8');
  const example = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)![1]!;

  /** A user's directory, with pinwire installed. */
  function project(): string {
    const directory = scratch();
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(ROOT, join(directory, 'node_modules', 'pinwire'));
    symlinkSync(join(ROOT, 'node_modules', 'vitest'), join(directory, 'node_modules', 'vitest'));
    return directory;
  }

  test('its test passes as printed', () => {
    const directory = project();
    writeFileSync(join(directory, 'lossy.test.ts'), example('ts'));
    const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const args = [vitest, 'run', '--root', directory, '--reporter', 'json'];
    const told = execFileSync(process.execPath, args, { encoding: 'utf8', cwd: directory });
    expect(JSON.parse(told)).toMatchObject({ success: true, numPassedTests: 1 });
  });

  test('its sweep of seeds runs as printed', () => {
    const directory = project();
    writeFileSync(join(directory, 'sweep.mjs'), example('js'));
    const told = execFileSync(process.execPath, ['sweep.mjs'], {
      encoding: 'utf8',
      cwd: directory,
    });
    expect(told).toMatch(/^seed \d+ took longest: [\d.]+ us\n$/);
  });
});
