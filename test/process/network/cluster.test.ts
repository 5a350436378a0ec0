import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PING_PONG, readResults, reproducible, ROOT, scratch, until } from '../pinwire.js';
import { Namespaces, orSkipped, whyNoNamespaces, whyNoNetem } from './namespaces.js';
import { insider, strangers, type InsiderEnd, type StartNode, type StrangersEnd } from './abuse.js';
import { CLIENT, CONTROL_PORT, COORDINATOR, FABRIC_PORT, Site, TOKEN } from './site.js';

const HOSTS = ['m0', 'm1', 'm2'];
const STRANGER = 'stranger';
/** Silence for so long means that a machine is lost, and it may be noticed a little later. */
const NOTICED_MS = 8_000;
/** A link is tried after eight seconds of silence, and has five to answer. */
const TRIED_MS = 18_000;
/** For commands to start on a computer that has other work. */
const START_MS = 60_000;

const LATENCY = ['run', 'micro/write-lat', '--set', 'iterations=100', '--seed', '7'];
/** Long enough never to end by itself. */
const LONG = ['run', PING_PONG, '--set', 'iterations=1000000'];
const ALLREDUCE = [
  ...['run', 'hpc/allreduce', '--seed', '11'],
  ...['--set', 'ranks-per-host=2', '--set', 'iterations=20', '--set', 'size=8,4KiB'],
];

const why = whyNoNamespaces();

describe.skipIf(why !== '')(orSkipped('a cluster across machines', why), () => {
  let machines: Namespaces;
  let site: Site;

  beforeAll(async () => {
    machines = new Namespaces([COORDINATOR, ...HOSTS, CLIENT, STRANGER], { forwarding: true });
    site = new Site({
      machines,
      hosts: HOSTS,
      url: `ws://${COORDINATOR}:${CONTROL_PORT}`,
      cores: 2,
      joinWith: (host) => [
        ...['--programs', join(ROOT, 'test', 'process', 'modules')],
        ...['--listen', `${machines.address(host)}:${FABRIC_PORT}`],
      ],
    });
    await Promise.all([LATENCY, ALLREDUCE].map((args) => site.embedded(args)));
  }, START_MS);
  afterAll(() => machines.destroy());

  async function runsAsEmbedded(args: readonly string[], machine = CLIENT): Promise<void> {
    const results = await site.run(args, machine);
    expect(results.run.placement).toBe('joined');
    expect(reproducible(results)).toBe(await site.embedded(args));
  }

  /** How often the long run has begun, as its program says on host0's machine. */
  const starts = (): number => site.agents.get('m0')!.stderr.split('starts on 1000000').length - 1;

  test('runs what one process runs, byte for byte', async () => {
    await runsAsEmbedded(LATENCY);
  });

  test('serves one client after another, from any machine', async () => {
    await Promise.all([runsAsEmbedded(ALLREDUCE, COORDINATOR), runsAsEmbedded(LATENCY)]);
  });

  const whyNot = whyNoNetem();
  test.skipIf(whyNot !== '')(
    orSkipped('gives the same over links that delay, vary and lose packets', whyNot),
    async () => {
      const impairment = { delayMs: 5, jitterMs: 2, lossPercent: 1 };
      machines.impair(impairment);
      try {
        await runsAsEmbedded(LATENCY);
      } finally {
        machines.heal();
      }
    },
  );

  test('names the machine that is cut off in the middle of a run, keeps what was measured, and goes on with it later', async () => {
    const out = scratch();
    const client = site.start([...LONG, '--set', 'first=5'], out);
    await until(() => starts() === 1, 'the second configuration');

    machines.cut('m1');
    onTestFinished(() => machines.mend('m1'));
    const cutAt = performance.now();
    const { code, stderr } = await client.ended;
    expect(performance.now() - cutAt).toBeLessThan(NOTICED_MS);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`host1 \\(m1, ${machines.address('m1')}, pid \\d+\\) was silent for 5 s`),
    );
    const { results } = readResults(join(out, 'results.json'));
    expect(results.map(({ params }) => params['iterations'])).toEqual([5]);

    // On both sides of the cut.
    await Promise.all(HOSTS.map((host) => site.withoutHostProcesses(host)));

    machines.mend('m1');
    await runsAsEmbedded(LATENCY);
  });

  test('names two machines that cannot reach each other any more, though everybody else reaches both', async () => {
    const client = site.start(LONG);
    await until(() => starts() === 2, 'the run');
    machines.separate('m0', 'm1');
    const separatedAt = performance.now();
    const { code, stderr } = await client.ended;
    machines.reunite('m0', 'm1');
    expect(performance.now() - separatedAt).toBeLessThan(TRIED_MS);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /host[01] \(m[01], .*\) lost its link with host[01] \(m[01], .*\): silent/,
    );
    await runsAsEmbedded(LATENCY);
  });

  test('lets go of a client whose machine is cut off, and serves the next', async () => {
    const client = site.start(LONG);
    await until(() => starts() === 3, 'the run');
    machines.cut(CLIENT);
    const cutAt = performance.now();
    await runsAsEmbedded(LATENCY, COORDINATOR);
    expect(performance.now() - cutAt).toBeLessThan(NOTICED_MS + START_MS / 4);
    const { code, stderr } = await client.ended;
    machines.mend(CLIENT);
    expect(code).toBe(1);
    expect(stderr).toMatch(/lost the coordinator .*silent for 5 s/);
  });

  test('is not disturbed by a machine that means no good, without the token or with it', async () => {
    const start: StartNode = (script, options) => machines.node(STRANGER, script, options);
    const address = machines.address('m0');
    const coordinator = machines.address(COORDINATOR);
    const [fabric, joining] = [
      `ws://m0:${FABRIC_PORT}/fabric`,
      `ws://${COORDINATOR}:${CONTROL_PORT}/join`,
    ];
    const state = { isOver: false };
    // One after the other: who called too often is not let in with the token either.
    const insiders = async (): Promise<InsiderEnd[]> =>
      Promise.all(
        [fabric, joining].flatMap((door) =>
          (['declared', 'fragments', 'unread', 'bombs', 'outdated'] as const).map((mode) =>
            insider(start, mode, door, TOKEN),
          ),
        ),
      );
    const crowds = async (): Promise<StrangersEnd[]> =>
      Promise.all([
        strangers(start, 'silence', coordinator, CONTROL_PORT, 10_000),
        strangers(start, 'silence', address, FABRIC_PORT, 10_000),
        strangers(start, 'garbage', address, FABRIC_PORT, 200),
      ]);
    const attacks = insiders()
      .then(async (ends) => [...ends, ...(await crowds())])
      .finally(() => (state.isOver = true));
    attacks.catch(() => undefined);
    do await runsAsEmbedded(ALLREDUCE);
    while (!state.isOver);
    for (const end of await attacks) {
      if ('left' in end)
        expect({ left: end.left, failed: end.failed }).toEqual({ left: 0, failed: 0 });
      else expect(end.closed).toBe(true);
    }
    expect(site.coordinator.stderr).toContain('speaks pinwire-join/0');
  });

  test('takes a machine back whose agent was killed and started again', async () => {
    await site.hostProcesses('m2');
    const killed = site.agents.get('m2')!;
    killed.child.kill('SIGKILL');
    await killed.ended;
    site.join('m2');
    await runsAsEmbedded(ALLREDUCE);
  });

  test('dismisses every machine when it is stopped, and nothing is left', async () => {
    site.coordinator.child.kill('SIGINT');
    expect((await site.coordinator.ended).code).toBe(0);
    for (const [host, agent] of site.agents) {
      expect((await agent.ended).code).toBe(0);
      expect(machines.pids(host)).toEqual([]);
    }
  });
});
