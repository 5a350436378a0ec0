/**
 * Two machines that join, each with a directory of programs of its own operator's, and a client with a program in
 * TypeScript.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  Pinwire,
  pinwire,
  readResults,
  reproducible,
  scratch,
  until,
  type Ended,
} from './pinwire.js';

const SIZES = "export const sizes: Readonly<Record<'small', number>> = { small: 3 };\n";
const GREETING = `import { ACCESS } from 'pinwire';
import { defineWorkload } from 'pinwire/workload';
import { sizes } from './lib/sizes';
interface Greeting { readonly at: number; readonly heard: unknown }
export default defineWorkload({
  name: 'mine/greeting',
  summary: 'each host tells the other one',
  parameters: {},
  hosts: 2,
  place: () => [0, 1].map((host) => ({ host, core: 0, role: 'greeter' })),
  async program(core): Promise<Greeting> {
    await core.tell(core.rank ^ 1, { size: sizes.small * ACCESS.REMOTE_READ });
    const heard = await core.hear(core.rank ^ 1);
    return { at: core.now, heard };
  },
  summarise: (greetings) => ({
    verified: greetings.every((each) => (each as Greeting).heard !== undefined),
    metrics: [{ name: 'heard', unit: 'ps', value: (greetings[0] as Greeting).at }],
  }),
});
`;

/** The client's program, and what the operators of `a` and `b` allow. */
const client = scratch();
const allowed = { a: scratch(), b: scratch() };
const program = join(client, 'greeting.ts');
const started: Pinwire[] = [];
let url: string;

const start = (args: readonly string[]): Pinwire => {
  const command = new Pinwire(args);
  started.push(command);
  return command;
};

beforeAll(async () => {
  mkdirSync(join(client, 'lib'));
  writeFileSync(join(client, 'lib/sizes.ts'), SIZES);
  writeFileSync(program, GREETING);
  cpSync(client, allowed.a, { recursive: true });
  const up = start([
    'up',
    '--placement',
    'joined',
    '--listen',
    '0',
    '--hosts',
    '2',
    '--cores',
    '1',
  ]);
  await up.says('Ctrl-C stops it');
  url = /up at (ws:\S+)/.exec(up.stdout)![1]!;
  for (const [name, directory] of Object.entries(allowed)) {
    start(['join', url, '--name', name, '--programs', directory]);
  }
  await until(() => /ready\b/.test(up.stderr), 'the cluster to be ready');
});

afterAll(async () => {
  for (const { child } of started) child.kill('SIGINT');
  await Promise.all(started.map(({ ended }) => ended));
});

const run = (...args: string[]): Promise<Ended> =>
  pinwire(['run', program, '--quiet', '--out', scratch(), ...args]);
const attached = (...args: string[]): Promise<Ended> => run('--attach', url, ...args);

test('a machine whose operator allows no such program fails the run by its host’s name', async () => {
  const { code, stderr } = await attached();
  expect(stderr.split('\n')[0]).toBe(
    "pinwire: host1: this cluster's hosts have no program greeting.ts (their operators allow programs with --programs DIR)",
  );
  expect(code).toBe(1);
});

test('once it has the program, results are those of a cluster of one’s own', async () => {
  cpSync(client, allowed.b, { recursive: true });
  const [here, fresh] = [join(scratch(), 'here.json'), join(scratch(), 'fresh.json')];
  expect(await attached('--json', here)).toMatchObject({ code: 0, stderr: '' });
  expect(await run('--json', fresh, '--cores', '1')).toMatchObject({ code: 0, stderr: '' });
  expect(reproducible(readResults(here))).toBe(reproducible(readResults(fresh)));
  expect(readResults(here).results[0]!.verified).toBe(true);
});

test('a file that the program imports, changed on one machine, is noticed', async () => {
  const file = join(allowed.b, 'lib/sizes.ts');
  writeFileSync(file, SIZES.replace('3', '4'));
  const { code, stderr } = await attached();
  expect(stderr).toMatch(
    /^pinwire: host1: greeting\.ts in \S+ differs from the client's \(theirs /,
  );
  expect(stderr).toContain(allowed.b);
  expect(code).toBe(1);
  writeFileSync(file, readFileSync(join(client, 'lib/sizes.ts')));
  expect(await attached()).toMatchObject({ code: 0, stderr: '' });
});
