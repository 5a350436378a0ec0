/**
 * `pinwire/embedded` as its users have it; that it computes what the command does, test/process/embedded.test.ts
 * shows.
 */
import { describe, expect, it } from 'vitest';
import {
  FailedRun,
  ms,
  ns,
  runEmbedded,
  us,
  UsageError,
  type EmbeddedOptions,
  type EmbeddedProgram,
} from '../../../coordinator/embedded/run-embedded.js';
import { readCapture } from '../../../wire/capture.js';
import { defineWorkload } from '../../../workloads/authoring/workload.js';

const nothing: EmbeddedProgram = async () => undefined;
const LOSSY = { workload: 'micro/write-lat', params: { iterations: 60 }, faults: ['loss=0.05'] };

async function failureOf(options: EmbeddedOptions): Promise<FailedRun> {
  const error: unknown = await runEmbedded(options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FailedRun);
  return error as FailedRun;
}

describe('programs of an embedded run', () => {
  it('run on a host each, and what they return comes back by rank', async () => {
    const run = await runEmbedded({
      programs: [
        async (core) => `host${core.host} of ${core.ranks}`,
        async (_core, { params }) => params['greeting'],
      ],
      params: { greeting: 'good morning' },
    });
    expect(run.values).toEqual(['host0 of 2', 'good morning']);
    expect(run.results).toEqual([]);
    expect(run.verified).toBeNull();
    expect(run.blocked).toEqual([]);
  });

  it('have their core and its time before each line that they write, and leave the console as it was', async () => {
    const lines: string[] = [];
    const own = console.log;
    const note = (text: unknown): void => void lines.push(String(text));
    console.log = note;
    try {
      await runEmbedded({
        programs: [
          async (core) => {
            await core.sleep(ns(1250));
            console.log('two\nlines of %d', 7);
          },
        ],
        noise: false,
      });
      expect(console.log).toBe(note);
    } finally {
      console.log = own;
    }
    expect(lines).toEqual(['[host0 core 0 +1.250 us] two\n[host0 core 0 +1.250 us] lines of 7']);
  });

  it('get the bytes of input files that are at hand', async () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const run = await runEmbedded({
      programs: [async (_core, { inputs }) => inputs.get('feed.itch')],
      inputs: { 'feed.itch': bytes },
    });
    expect(run.values).toEqual([bytes]);
  });

  it('run where they are placed, with the role that they are given', async () => {
    const where: EmbeddedProgram = async (core, task) => [core.host, core.index, task.role];
    const run = await runEmbedded({
      programs: [where, where, where],
      placement: [
        { host: 2, core: 1 },
        { host: 0, core: 3, role: 'server' },
        { host: 2, core: 0 },
      ],
    });
    expect(run.values).toEqual([
      [2, 1, ''],
      [0, 3, 'server'],
      [2, 0, ''],
    ]);
    expect(Object.keys(run.counters)).toEqual(['host0', 'host1', 'host2']);
  });

  it('have hosts that are set up as asked: virtual machines, and memory that one process may lock', async () => {
    const run = await runEmbedded({
      programs: [
        async (core) => `core ${core.index}`,
        async (core) => {
          const pd = await (await core.openDevice()).allocatePd();
          const region = await core.allocate(4 * 4096);
          return pd.registerMemory(region, 0).catch((error: unknown) => String(error));
        },
      ],
      placement: [
        { host: 0, core: 1, vm: 0 },
        { host: 0, core: 0 },
      ],
      machine: { vms: [{ host: 0, cores: [1], memory: 2 ** 23 }], memlock: 2 * 4096 },
      memory: '16MiB',
    });
    expect(run.values[0]).toBe('core 1');
    expect(run.metrics[0]!.queues.map(({ owner }) => owner)).toContain('vm0');
    expect(run.values[1]).toMatch(/ENOMEM/);
  });

  it('end when the last of them has', async () => {
    const run = await runEmbedded({
      programs: [async (core) => core.sleep(us(3)), async (core) => core.sleep(ms(2))],
      noise: false,
    });
    expect(run.virtualTime).toBeGreaterThanOrEqual(ms(2));
    expect(run.virtualTime).toBeLessThan(ms(2) + us(10));
    expect(run.lastEvent).toBeGreaterThanOrEqual(run.virtualTime);
  });
});

describe('a workload of the catalogue', () => {
  it('gives the results of every configuration that it has', async () => {
    const { results, verified } = await runEmbedded({
      workload: 'host/pinning',
      params: { strategy: 'copy', iterations: 2 },
    });
    expect(results.length).toBeGreaterThan(1);
    expect(new Set(results.map(({ workload }) => workload))).toEqual(new Set(['host/pinning']));
    expect(verified).not.toBe(false);
  });

  it('tells its configurations one by one, each as if it had run alone', async () => {
    const run = await runEmbedded({
      workload: 'micro/write-lat',
      params: { size: '8,64', iterations: 5 },
      capture: true,
    });
    expect(run.configurations.map(({ params }) => params['size'])).toEqual([8, 64]);
    expect(Object.keys(run.captures)).toEqual(['1/host0', '1/host1', '2/host0', '2/host1']);
    for (const [index, size] of [8, 64].entries()) {
      const { summary, ...own } = run.configurations[index]!;
      const alone = await runEmbedded({
        workload: 'micro/write-lat',
        params: { size, iterations: 5 },
        capture: true,
      });
      expect(alone.configurations).toMatchObject([own]);
      expect(alone.captures).toEqual(own.captures);
      expect(summary!.samples).toHaveLength(5);
      expect(summary!.metrics).toEqual(run.results[index]!.metrics);
    }
    const [first, second] = run.configurations;
    expect(run.events).toBe(first!.events + second!.events);
    expect(run.values).toBe(second!.values);
  });

  it('shows the queue pairs of its hosts, and what each has sent', async () => {
    const { metrics, counters } = await runEmbedded(LOSSY);
    expect(metrics.map(({ host }) => host)).toEqual([0, 1]);
    for (const { host, queuePairs } of metrics) {
      const sent = queuePairs.reduce((sum, { sentPackets }) => sum + sentPackets, 0);
      expect(sent).toBe(counters[`host${host}`]!['tx_packets']);
    }
  });

  it('says when its hosts are built and virtual time begins, once for each configuration', async () => {
    const order: string[] = [];
    const workload = defineWorkload({
      name: 'own/two',
      summary: '',
      parameters: { turn: { type: 'integer', default: 1, help: '' } },
      hosts: 1,
      configurations: () => [{ turn: 1 }, { turn: 2 }],
      place: () => [{ host: 0, core: 0, role: '' }],
      program: async (_core, { params }) => order.push(`program ${params.turn}`),
      summarise: () => ({ verified: null, metrics: [] }),
    });
    await runEmbedded({ workload, onBegin: () => order.push('begin') });
    expect(order).toEqual(['begin', 'program 1', 'begin', 'program 2']);
  });

  it('counts what happened on each host, and says 0 of what did not', async () => {
    const { counters } = await runEmbedded({ ...LOSSY, seed: 3 });
    const { retransmitted_packets: again, fault_lost: lost } = counters['host0']!;
    expect(lost! + counters['host1']!['fault_lost']!).toBeGreaterThan(0);
    expect(again).toBeGreaterThan(0);
    const quiet = await runEmbedded({ ...LOSSY, faults: [] });
    expect(quiet.counters['host0']).toMatchObject({
      retransmitted_packets: 0,
      fault_lost: 0,
      iotlb_misses: 0,
      major_faults: 0,
      dma_wrong_bytes: 0,
    });
  });

  it('captures every host on request, whole, and writes no file', async () => {
    const { captures } = await runEmbedded({ ...LOSSY, capture: true });
    expect(Object.keys(captures)).toEqual(['host0', 'host1']);
    for (const bytes of Object.values(captures)) {
      expect([...readCapture(bytes)].length).toBeGreaterThan(60);
    }
    expect((await runEmbedded(LOSSY)).captures).toEqual({});
  });

  it('takes an override in the unit of its field, or as the command line has it', async () => {
    const params = { iterations: 5, inline: 'off' };
    const slow = { workload: 'micro/write-lat', params, noise: false };
    const [plain, number, text] = await Promise.all([
      runEmbedded(slow),
      runEmbedded({ ...slow, override: { 'nic.dma_read': ns(9000), 'link.rate': 10 } }),
      runEmbedded({ ...slow, override: { 'nic.dma_read': '9us', 'link.rate': '10Gbps' } }),
    ]);
    expect(number).toEqual(text);
    expect(number.virtualTime).toBeGreaterThan(plain.virtualTime);
  });

  it('leaves nothing behind', async () => {
    const { left } = await runEmbedded(LOSSY);
    expect(left).toEqual({ frames: 0, pinnedPages: 0, memoryFrames: 0 });
  });
});

describe('a user’s workload', () => {
  const workload = defineWorkload({
    name: 'own/verdict',
    summary: '',
    parameters: { right: { type: 'boolean', default: true, help: '' } },
    hosts: 1,
    place: () => [{ host: 0, core: 0, role: '' }],
    program: async (core) => core.rank,
    summarise: (_results, { right }) => ({ verified: right, metrics: [] }),
  });

  it('is run as one of the catalogue', async () => {
    const run = await runEmbedded({ workload });
    expect(run.verified).toBe(true);
    expect(run.results).toMatchObject([{ workload: 'own/verdict', params: { right: true } }]);
    expect(run.values).toEqual([0]);
  });

  it('fails the run if it does not verify', async () => {
    const { message, run } = await failureOf({ workload, params: { right: false } });
    expect(message).toBe('own/verdict right=false did not verify');
    expect(run.verified).toBe(false);
    expect(run.results).toHaveLength(1);
  });
});

describe('a run that fails', () => {
  it('says in one line which program threw, and keeps what is known', async () => {
    const error = await failureOf({
      programs: [
        async () => 'done',
        async (core) => {
          await core.sleep(us(7));
          throw new RangeError('no such thing');
        },
      ],
    });
    expect(error.message).toMatch(
      /^host1 core 0: RangeError: no such thing, at .*run-embedded\.test\.ts:\d+:\d+\)$/,
    );
    expect(error.stack).toContain('run-embedded.test.ts');
    expect(error.failure).toMatchObject({ host: 1, core: 0 });
    expect(error.failure!.message).toMatch(/^RangeError: no such thing, at /);
    expect(error.run.configurations).toMatchObject([{ summary: undefined }]);
    expect(error.run.values).toEqual(['done', undefined]);
    expect(error.run.virtualTime).toBeGreaterThanOrEqual(us(7));
    expect(error.run.counters['host1']).toHaveProperty('retransmitted_packets', 0);
  });

  it('says who waits for what when nobody goes on', async () => {
    const { message, run, failure } = await failureOf({
      programs: [nothing, async (core) => core.hear(0)],
      capture: true,
    });
    expect(failure).toBeNull();
    expect(message).toMatch(
      /every program is waiting:\n {2}host1 core 0 has waited to hear from rank 0 /,
    );
    expect(run.blocked).toEqual([
      expect.stringMatching(/^host1 core 0 has waited to hear from rank 0 /),
    ]);
    expect(Object.keys(run.captures)).toEqual(['host0', 'host1']);
  });
});

describe('a run with a last instant', () => {
  it('stops there, without a verdict and with a note', async () => {
    const run = await runEmbedded({ ...LOSSY, params: { iterations: 1000 }, until: us(120) });
    expect(run.verified).toBeNull();
    expect(run.notes).toEqual([expect.stringMatching(/^stopped at 120 us \(--until\): 2 of 2 /)]);
    expect(run.virtualTime).toBe(us(120));
    expect(run.blocked).toHaveLength(2);
    expect(run.packets).toBeGreaterThan(0);
  });

  it('does everything until then, and nothing after it', async () => {
    const heard: number[] = [];
    const programs = [
      async (core: Parameters<EmbeddedProgram>[0]): Promise<void> => {
        for (;;) {
          await core.sleep(us(10));
          heard.push(core.now);
        }
      },
    ];
    await runEmbedded({ programs, until: us(100), noise: false });
    expect(heard.length).toBeGreaterThan(5);
    expect(heard.at(-1)!).toBeLessThanOrEqual(us(100));
    expect(heard.at(-1)!).toBeGreaterThan(us(85));
  });

  it('is as any other if its programs end before', async () => {
    const whole = await runEmbedded(LOSSY);
    expect(await runEmbedded({ ...LOSSY, until: '1s' })).toEqual(whole);
  });
});

describe('runs in one process', () => {
  it('are the same alone, again, and several at once', async () => {
    const seeds = [1, 2, 3, 4];
    const alone = [];
    for (const seed of seeds) alone.push(await runEmbedded({ ...LOSSY, seed, capture: true }));
    const together = await Promise.all(
      seeds.map((seed) => runEmbedded({ ...LOSSY, seed, capture: true })),
    );
    expect(together).toEqual(alone);
    expect(new Set(alone.map(({ traceHash }) => traceHash)).size).toBe(seeds.length);
  });

  it('leave the caller its clocks and its chance', async () => {
    const ticks: number[] = [];
    const timer = setInterval(() => ticks.push(Date.now() + Math.random()), 1);
    await runEmbedded({ ...LOSSY, params: { iterations: 400 } });
    clearInterval(timer);
    expect(ticks.length).toBeGreaterThan(0);
  });
});

describe('options that cannot be', () => {
  it.each<[string, unknown, string | RegExp]>([
    ['none', undefined, 'runEmbedded: expected an object of options'],
    ['an empty object', {}, 'runEmbedded: expected either workload or programs'],
    [
      'both kinds of work',
      { workload: 'micro/send-lat', programs: [nothing] },
      /either workload or/,
    ],
    [
      'a misspelt option',
      { programs: [nothing], sed: 1 },
      /unknown option sed; did you mean seed\?/,
    ],
    [
      'a misspelt workload',
      { workload: 'micro/sendlat' },
      /"micro\/sendlat"; did you mean micro\//,
    ],
    ['a path', { workload: './mine.ts' }, /is a path: import the module/],
    [
      'no workload',
      { workload: { place: nothing } },
      'workload: has no function program; expected',
    ],
    ['no function', { programs: [1] }, 'programs: expected a list of functions, one for each host'],
    [
      'half a host',
      { programs: [nothing], hosts: 1.5 },
      '--hosts: expected a whole number, not "1.5"',
    ],
    [
      'too few hosts',
      { programs: [nothing, nothing], hosts: 1 },
      /needs 2 hosts, but the cluster has 1/,
    ],
    ['a seed that is NaN', { programs: [nothing], seed: NaN }, '--seed: expected a whole number'],
    [
      'no duration',
      { programs: [nothing], until: NaN },
      '--until: expected a duration such as 10ms',
    ],
    ['noise in words', { programs: [nothing], noise: 'off' }, 'noise: expected true or false'],
    ['a fault', { programs: [nothing], faults: 'loss=1' }, 'faults: expected a list of texts'],
    ['an unknown fault', { programs: [nothing], faults: ['los=1'] }, /did you mean loss\?/],
    [
      'an unknown key',
      { programs: [nothing], override: { 'nic.dma_reed': 1 } },
      /did you mean nic\.dma_read/,
    ],
    [
      'an odd value',
      { workload: 'micro/send-lat', params: { size: {} } },
      'params.size: expected a number',
    ],
    [
      'a place too few',
      { programs: [nothing, nothing], placement: [{ host: 0, core: 0 }] },
      'placement: expected a list of { host, core }, one for each program',
    ],
    [
      'half a place',
      { programs: [nothing], placement: [{ host: 0 }] },
      'placement[0].core: expected a whole number, not undefined',
    ],
    ['no place', { programs: [nothing], placement: [7] }, 'placement[0]: expected { host, core }'],
    [
      'a misspelt place',
      { programs: [nothing], placement: [{ host: 0, core: 0, rol: 'x' }] },
      'placement[0]: unknown field rol; did you mean role?',
    ],
    [
      'a role that is no text',
      { programs: [nothing], placement: [{ host: 0, core: 0, role: 1 }] },
      'placement[0].role: expected a text, not 1',
    ],
    [
      'two programs on one core',
      {
        programs: [nothing, nothing],
        placement: [
          { host: 0, core: 0 },
          { host: 0, core: 0 },
        ],
      },
      'programs: places two programs on host0 core 0',
    ],
    [
      'places of a workload',
      { workload: 'micro/send-lat', placement: [] },
      'placement: applies only to programs; a workload has its own',
    ],
    [
      'machines of a workload',
      { workload: 'micro/send-lat', machine: {} },
      'machine: applies only to programs',
    ],
    ['no machine', { programs: [nothing], machine: 1 }, 'machine: expected an object of settings'],
    [
      'a misspelt setting',
      { programs: [nothing], machine: { memlok: 1 } },
      'machine: unknown setting memlok; did you mean memlock?',
    ],
    [
      'a setting of the wrong kind',
      { programs: [nothing], machine: { pager: 'fifo' } },
      'programs: machine.pager: expected one of clock, lru, not fifo',
    ],
    [
      'no virtual machine',
      { programs: [nothing], machine: { vms: [{ host: 0 }] } },
      'machine.vms[0]: expected { host, cores: [...], memory }',
    ],
    [
      'a misspelt field of a virtual machine',
      { programs: [nothing], machine: { vms: [{ host: 0, cores: [1], memory: 1, vlans: 1 }] } },
      'machine.vms[0]: unknown field vlans; did you mean vlan?',
    ],
    ['no listener', { programs: [nothing], onBegin: 1 }, 'onBegin: expected a function, not 1'],
    [
      'a file of nobody',
      { workload: 'micro/send-lat', inputs: { x: new Uint8Array(1) } },
      'inputs.x: micro/',
    ],
    [
      'a file without bytes',
      { programs: [nothing], inputs: { x: 'abc' } },
      'inputs.x: expected a Uint8Array',
    ],
  ])('%s', async (_what, options, message) => {
    const refused: unknown = await runEmbedded(options as EmbeddedOptions).catch(
      (reason: unknown) => reason,
    );
    expect(refused).toBeInstanceOf(UsageError);
    expect((refused as UsageError).message).toMatch(message);
    expect((refused as UsageError).message).not.toContain('\n');
  });
});
