import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PING_PONG, pinwire, scratch } from './pinwire.js';

/** Counts the node processes that a command starts, itself among them. */
const directory = scratch();
const recorder = join(directory, 'recorder.cjs');
writeFileSync(
  recorder,
  "require('node:fs').appendFileSync(process.env.PINWIRE_TEST_LOG, process.argv[1] + '\\n');\n",
);

const badTypeScript = join(directory, 'broken.ts');
writeFileSync(badTypeScript, 'export default {\n  name: (,\n};\n');
const noWorkload = join(directory, 'no-workload.ts');
writeFileSync(noWorkload, 'export default { name: "x" as string };\n');
const noDefault = join(directory, 'no-default.ts');
writeFileSync(noDefault, 'export const x = 1;\n');
const noRoom = join(directory, 'no-room.ts');
writeFileSync(
  noRoom,
  `interface Nothing {
  readonly nothing: true;
}
export default { name: 'no-room', summary: '', parameters: {} as Partial<Nothing>,
  program: async () => undefined, summarise: () => undefined,
  place: () => {
    throw new Error('no room');
  },
};
`,
);
const feed = join(directory, 'feed.bin');
writeFileSync(feed, 'broken');

const CASES: readonly (readonly [string[], RegExp])[] = [
  [[], /name a command/],
  [['rn'], /unknown command "rn"; did you mean run\?/],
  [['run'], /usage: pinwire run <name\.\.>/],
  [['run', 'micro/no-such-thing'], /unknown workload "micro\/no-such-thing"/],
  [['run', noRoom], /no-room: place threw Error: no room, at .*no-room\.ts:7:\d+/],
  [['run', PING_PONG, '--hostz', '2'], /unknown option --hostz; did you mean --hosts\?/],
  [['run', PING_PONG, '-x'], /unknown option -x/],
  [['run', PING_PONG, '--hosts'], /--hosts: a value is missing/],
  [['run', PING_PONG, '--hosts', '2', '--hosts', '3'], /--hosts is given twice/],
  [['run', PING_PONG, '--hosts', '0'], /--hosts: must be between 1 and 65535, not 0/],
  [['run', PING_PONG, '--hosts', '-2'], /--hosts: expected a whole number/],
  [['run', PING_PONG, '--hosts', '65536'], /--hosts: must be between/],
  [['run', PING_PONG, '--hosts', '1'], /needs at least 2 hosts, but the cluster has 1 \(--hosts\)/],
  [['run', PING_PONG, '--cores', '0'], /--cores: must be between/],
  [['run', PING_PONG, '--cores', '1.5'], /--cores: expected a whole number/],
  [['run', PING_PONG, '--memory', '1KiB'], /--memory: must be between/],
  [['run', PING_PONG, '--memory', '64 parsecs'], /--memory: expected a size/],
  [['run', PING_PONG, '--profile', 'roce-10g'], /unknown profile "roce-10g"; did you mean roce-/],
  [['run', PING_PONG, '--override', 'nic.tx'], /--override nic\.tx: expected group\.key=value/],
  [['run', PING_PONG, '--override', 'nic.tx=5'], /--override nic\.tx=5: expected a time/],
  [['run', PING_PONG, '--mtu', '1500'], /--mtu: expected 256 or 512/],
  [['run', PING_PONG, '--clock', 'wall'], /--clock: expected virtual or real/],
  [['run', PING_PONG, '--noise', 'off', '--seed', 'x'], /--seed: expected a whole number/],
  [['run', PING_PONG, '--processes', '3'], /--processes: must be between 1 and 2/],
  [['run', PING_PONG, '--placement', 'embedded', '--processes', '2'], /--processes/],
  [['run', PING_PONG, '--topology', 'direct', '--hosts', '4'], /a cable joins 2 hosts, not 4/],
  [['run', PING_PONG, '--hosts', '300', '--processes', '4', '--cores', '8'], /--core-runtime/],
  [['run', PING_PONG, '--fault', 'loss=2'], /--fault loss=2: expected a probability/],
  [['run', PING_PONG, '--fault', 'los=0.1'], /unknown fault "los"; did you mean loss\?/],
  [['run', PING_PONG, '--set', 'iterations'], /--set iterations: expected key=value/],
  [['run', PING_PONG, '--set', 'iteratons=5'], /did you mean iterations\?/],
  [['run', PING_PONG, '--set', 'iterations=0'], /must be at least 1/],
  [['run', PING_PONG, '--set', 'iterations=many'], /expected a whole number/],
  [['run', PING_PONG, '--set', 'wrong=nothink'], /did you mean nothing\?/],
  [['run', PING_PONG, '--set', 'feed=/no/such/file'], /\/no\/such\/file: no such file/],
  [['run', PING_PONG, '--set', `feed=${feed}`], /test\/ping-pong: feed: no ok at offset 0/],
  [['run', PING_PONG, '--format', 'tables'], /--format: expected table or perftest/],
  [['run', PING_PONG, '--json', directory], /is a directory/],
  [['run', PING_PONG, '--out', '/proc/nowhere'], /--out \/proc\/nowhere/],
  [['run', './no-such-module.ts'], /no-such-module\.ts: no such file/],
  [['run', badTypeScript], /broken\.ts: .*broken\.ts:2:\d+/],
  [['run', noWorkload], /has no function place; expected a default export/],
  [['run', noDefault], /has no default export; expected/],
  [['run', PING_PONG, '--attach', 'http://127.0.0.1:7600'], /--attach: .* is not ws or wss/],
  [['run', PING_PONG, '--attach', '127.0.0.1:7600'], /--attach: /],
  [['run', PING_PONG, '--attach', 'ws://ada:secret@here'], /--attach: a URL never holds the token/],
  [['run', PING_PONG, '--attach', 'ws://here', '--wait', 'long'], /--wait: expected a time/],
  [['run', PING_PONG, '--wait', '5s'], /--wait: needs --attach/],
  [['suite', 'demo', '--token-file', 'x'], /--token-file: needs --attach/],
  [['run', PING_PONG, '--attach', 'ws://elsewhere'], /no token for elsewhere:7600/],
  [['status', 'here'], /status: "here" is not a URL/],
  [['explain', PING_PONG, 'another'], /explain: unexpected "another"/],
  [['suite', 'mikro'], /unknown suite "mikro"; did you mean micro\?/],
  [['up', '--set', 'size=8'], /up: unknown option --set/],
  [['up', '--hosts', '512'], /512 processes exceed the limit of/],
  [['up', '--programs', '/no/such'], /--programs \/no\/such: no such directory/],
  [
    ['up', '--programs', directory, '--programs', PING_PONG],
    /--programs .*ping-pong.js: is not a dir/,
  ],
  [
    ['up', '--placement', 'joined', '--programs', directory],
    /--programs: does not apply .*`pinwire join`/,
  ],
  [['list', 'everything'], /unknown workload "everything"/],
  [['decode', '/no/such.pcap'], /\/no\/such\.pcap/],
];

describe('bad usage is said in one line, exit 2, before any process starts', () => {
  test.concurrent.each(CASES)('pinwire %j', async (args, message) => {
    const log = join(scratch(), 'started');
    const env = { NODE_OPTIONS: `--require=${recorder}`, PINWIRE_TEST_LOG: log };
    const { code, stdout, stderr } = await pinwire(args, { env });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(existsSync(log)).toBe(true);
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toHaveLength(1);
  });
});

test('help is there for the whole and for each command, and goes to standard output', async () => {
  const whole = await pinwire(['--help']);
  expect(whole.code).toBe(0);
  for (const command of ['up', 'run', 'suite', 'explain', 'status', 'decode', 'list', 'profiles']) {
    expect(whole.stdout).toContain(`pinwire ${command}`);
  }
  const run = await pinwire(['run', '--help']);
  expect(run.code).toBe(0);
  for (const option of [
    '--hosts',
    '--override',
    '--core-runtime',
    '--set',
    '--fault',
    '--capture',
  ]) {
    expect(run.stdout).toContain(option);
  }
  expect((await pinwire(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
