/**
 * Mistakes that a program can make: each ends the run with one line that names the mistake, and the user's own line.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS, type Core, type Instant, type QueuePair } from '../../../node/program/verbs.js';
import { picoseconds } from '../../../units/time.js';
import { connect, openDevice, sharedRegion } from '../../../workloads/authoring/workload.js';
import { runEmbedded, type EmbeddedRun } from '../../embedded.js';

const CLUSTER = { hosts: 2, cores: 1, memory: 2 ** 22 };

/** Two programs: rank 0 makes the mistake, rank 1 does what is usual. */
const run = (mistake: (core: Core) => unknown): Promise<EmbeddedRun> =>
  runEmbedded({
    ...CLUSTER,
    program: async (core: Core) => (core.rank === 0 ? mistake(core) : 'well'),
  });

/** The line that tells of the mistake. */
async function lineOf(mistake: (core: Core) => unknown): Promise<string> {
  const { failure, blocked } = await run(mistake);
  expect(failure, `no failure; ${blocked.join('; ')}`).not.toBeNull();
  expect(failure!.message).not.toContain('\n');
  return failure!.message;
}

const HERE = /, at .*slips\.test\.ts:\d+:\d+\)?$/;
const ps = picoseconds;

/** A queue pair that can be posted to. */
async function connected(core: Core): Promise<{ qp: QueuePair; post: (more: object) => void }> {
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, 4096);
  const cq = await device.context.createCq(8);
  const peer = 1 - core.rank;
  const queues = { sendCq: cq, recvCq: cq, cap: { maxSendWr: 8 } };
  const { qp, remote } = await connect(core, device, { peer, region, ...queues });
  const { address: remoteAddress, rkey } = remote;
  const post = (more: object): void => {
    const request = { sges: [region.sge(0, 8)], remoteAddress, rkey, ...more };
    qp.postSend(request as never);
  };
  return { qp, post };
}

/** The line of a mistake that needs a connected queue pair. */
async function postedLineOf(
  mistake: (qp: QueuePair, post: (more: object) => void, core: Core) => unknown,
): Promise<string> {
  const { failure } = await runEmbedded({
    ...CLUSTER,
    program: async (core: Core) => {
      const { qp, post } = await connected(core);
      if (core.rank === 0) await mistake(qp, post, core);
    },
  });
  return failure!.message;
}

describe('awaits', () => {
  it('of which a second is pending at once are the program’s mistake, not a deadlock', async () => {
    const line = await lineOf(async (core) => {
      const first = core.work(ps(1000));
      await Promise.all([first, core.hear(1)]);
    });
    expect(line).toMatch(/SegmentError: a second await is pending.* while work has not answered/);
    expect(line).toContain('core.any([...])');
    expect(line).toMatch(HERE);
  });

  it('that race are two, even if the program forgets the error', async () => {
    const line = await lineOf(async (core) => {
      await Promise.race([core.hear(1), core.sleep(ps(1000))]).catch(() => undefined);
    });
    expect(line).toContain('while hear has not answered');
  });

  it('that overlap after a while are found where the program would go on', async () => {
    const line = await lineOf(async (core) => {
      const later = async (): Promise<void> => {
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        await core.sleep(ps(1));
      };
      void later().catch(() => undefined);
      await core.sleep(ps(1000));
      await core.hear(1);
    });
    expect(line).toContain('a second await is pending');
  });

  it('that are missing before a post are named with the line that goes too far', async () => {
    const line = await postedLineOf((_, post, core) => {
      void core.sleep(ps(1000));
      post({ opcode: 'RDMA_WRITE' });
    });
    expect(line).toMatch(/a request was posted while sleep has not answered.*is an await missing/);
    expect(line).toMatch(HERE);
  });

  it('that are missing at the end of the program are named, where a call is, with its line', async () => {
    const line = await lineOf((core) => {
      void core.tell(1, 'a word');
      return 'done';
    });
    expect(line).toContain('the program returned while tell had not answered: an await is missing');
    expect(line).toMatch(HERE);
  });

  it('of a file system are refused like every await of what is not the emulator’s', async () => {
    const line = await lineOf(() => readFile('/etc/hostname'));
    expect(line).toContain('the program awaits something outside the emulator');
    expect(line).toContain('it has awaited none of them yet');
  });

  it('of a file system after a call are reported with the line of that call', async () => {
    const line = await lineOf(async (core) => {
      await core.allocate(64);
      await readFile('/etc/hostname');
    });
    expect(line).toMatch(/await only calls of its core; it last awaited allocate, at /);
    expect(line).toMatch(HERE);
  });

  it('of a file system after a sleep are reported with what was awaited, which has no line', async () => {
    const line = await lineOf(async (core) => {
      await core.allocate(64);
      await core.sleep(ps(5));
      await readFile('/etc/hostname');
    });
    expect(line).toMatch(/; it last awaited sleep$/);
  });

  it('in core.any have to be things to wait for, not promises', async () => {
    const line = await lineOf((core) => core.any([core.sleep(ps(5)) as never]));
    expect(line).toContain('core.any: item 0 is a promise; give it cq.polled()');
  });
});

describe('what would reach beyond the emulator', () => {
  it.each([
    ['fetch', () => fetch('http://127.0.0.1:1'), 'fetch is not available in virtual time'],
    ['process.exit', () => process.exit(3), 'process.exit would end the emulator'],
    ['process.abort', () => process.abort(), 'process.abort would end the emulator'],
  ])('as %s is refused with the user’s line', async (_, use, told) => {
    const line = await lineOf(async () => {
      await use();
    });
    expect(line).toContain(told);
    expect(line).toMatch(HERE);
  });
});

describe('a way out of the process', () => {
  const process: { exit: (code: number) => unknown } = globalThis.process;
  const { exit } = process;
  afterEach(() => (process.exit = exit));

  it('is refused though somebody has replaced it since the first run', async () => {
    await run(() => undefined);
    const left: unknown[] = [];
    process.exit = (code) => left.push(code);
    const line = await lineOf(() => process.exit(3));
    expect(line).toContain('process.exit would end the emulator');
    expect(left).toEqual([]);
    process.exit(4);
    expect(left, 'outside of a program it is as it was').toEqual([4]);
  });
});

describe('a rejected promise', () => {
  // The test runner's own listeners would take it for an error of the test.
  const others = process.listeners('unhandledRejection');
  beforeAll(() => process.removeAllListeners('unhandledRejection'));
  afterAll(() => others.forEach((listener) => process.on('unhandledRejection', listener)));

  it('that nothing handles fails the run with the user’s line', async () => {
    const line = await lineOf(async (core) => {
      void Promise.reject(new Error('lost on the way'));
      await core.sleep(ps(1000));
    });
    expect(line).toMatch(/^a rejected promise that nothing handles: Error: lost on the way, at /);
    expect(line).toMatch(HERE);
  });

  it('that is not an Error is reported too', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const line = await lineOf(() => void Promise.reject('only a text'));
    expect(line).toBe("a rejected promise that nothing handles: the text 'only a text'");
  });

  it('that is handled before the run is over was not lost', async () => {
    const { failure, values: results } = await run(async (core) => {
      const late = Promise.reject(new Error('handled'));
      await core.sleep(ps(1000));
      return late.catch((error: unknown) => (error as Error).message);
    });
    expect(failure).toBeNull();
    expect(results[0]).toBe('handled');
  });
});

describe('a value for another rank', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;

  it.each([
    ['a function', () => 1, 'value is a function'],
    ['a Map inside', { peers: [1, new Map()] }, 'value.peers[1] is a Map'],
    ['a typed array', new Float64Array(2), 'value is a Float64Array'],
    ['a bigint', { psn: 5n }, 'value.psn is a bigint'],
    ['what is not a number', { at: NaN }, 'value.at is NaN'],
    ['one that contains itself', cyclic, 'value.self contains itself'],
  ])('cannot be %s', async (_, value, told) => {
    const line = await lineOf((core) => core.tell(1, value));
    expect(line).toContain(`VerbsError: EINVAL: core.tell: ${told}, which cannot be sent as data`);
    expect(line).toMatch(HERE);
  });

  it('cannot be a queue pair, nor can a program return one', async () => {
    const told = await postedLineOf((qp, _, core) => core.tell(1, { qp }));
    expect(told).toContain('core.tell: value.qp is a QueuePair');
    const { failure } = await runEmbedded({
      ...CLUSTER,
      program: async (core: Core) => [(await connected(core)).qp],
    });
    expect(failure!.message).toBe(
      'SegmentError: the program returned a value that cannot be sent as data: value[0] is a QueuePair',
    );
  });

  it('may be data of any kind', async () => {
    const value = { list: [1, 'two', null, true], nothing: undefined };
    const { failure, values: results } = await runEmbedded({
      ...CLUSTER,
      program: async (core: Core) => {
        if (core.rank === 1) return core.hear(0);
        await core.tell(1, value);
        return new Float64Array(3);
      },
    });
    expect(failure).toBeNull();
    expect(results).toEqual([new Float64Array(3), { list: [1, 'two', null, true] }]);
  });
});

describe('a rank', () => {
  it.each<[string, (core: Core) => unknown, string]>([
    ['heard', (core) => core.hear(9), 'core.hear: no rank 9 in this run, its ranks are 0 to 1'],
    ['heard', (core) => core.hear(0), 'core.hear: rank 0 is this program itself'],
    ['told', (core) => core.tell(-1, 1), 'core.tell: no rank -1 in this run'],
    ['told', (core) => core.tell(0.5, 1), 'core.tell: no rank 0.5 in this run'],
    ['waited for', (core) => core.any([core.heard(NaN)]), 'core.heard: no rank NaN in this run'],
  ])('that is not there is not %s', async (_, use, told) => {
    const line = await lineOf(use);
    expect(line).toContain(`EINVAL: ${told}`);
    expect(line).toMatch(HERE);
  });
});

describe('a time', () => {
  const length = (value: number): never => value as never;

  it.each<[string, (core: Core) => unknown]>([
    ['core.sleep: NaN', (core) => core.sleep(length(NaN))],
    ['core.sleep: -5', (core) => core.sleep(length(-5))],
    ['core.work: 1.5', (core) => core.work(length(1.5))],
    ['core.work: Infinity', (core) => core.work(length(Infinity))],
    ['core.sleepUntil: NaN', (core) => core.sleepUntil(NaN as Instant)],
    ['core.until: -1', (core) => core.any([core.until(-1 as Instant)])],
    ['core.beginOperation: 0.5', (core) => core.beginOperation(0.5 as Instant)],
    ['core.compute: flops is NaN', (core) => core.compute({ flops: NaN }, () => 0)],
  ])('cannot be %s', async (told, use) => {
    const line = await lineOf(use);
    expect(line).toContain(`EINVAL: ${told}`);
    expect(line).toMatch(HERE);
  });

  it('that is over is as good as now', async () => {
    const { failure } = await run((core) => core.sleepUntil(0 as Instant));
    expect(failure).toBeNull();
  });
});

describe('a request', () => {
  it.each<[object, string]>([
    [
      { opcode: 'SEND_WITH_IMM', immediate: -1 },
      'the immediate -1 is not an unsigned 32-bit integer',
    ],
    [{ opcode: 'SEND_WITH_IMM', immediate: 2 ** 32 }, 'the immediate 4294967296 is not'],
    [{ opcode: 'ATOMIC_FETCH_AND_ADD', add: 1 }, 'add is 1, but an atomic'],
    [{ opcode: 'ATOMIC_CMP_AND_SWP', compare: 1n, swap: '2' }, 'swap is 2, but an atomic'],
    [{ opcode: 'WRITE' }, 'no send opcode WRITE on this queue pair'],
  ])('as %o is refused where it is posted', async (request, told) => {
    const line = await postedLineOf((_, post) => {
      post(request);
    });
    expect(line).toContain(`VerbsError: EINVAL: ${told}`);
    expect(line).toMatch(HERE);
  });
});

describe('an object that is destroyed', () => {
  it.each<[string, (qp: QueuePair, post: (more: object) => void) => unknown]>([
    ['postSend', (_, post) => post({ opcode: 'RDMA_WRITE' })],
    ['postRecv', (qp) => qp.postRecv({ sges: [] })],
  ])('is not there for %s', async (call, use) => {
    const line = await postedLineOf(async (qp, post) => {
      await qp.destroy();
      await use(qp, post);
    });
    expect(line).toContain(`EINVAL: ${call} on a destroyed queue pair`);
    expect(line).toMatch(HERE);
  });

  it.each(['poll', 'busyPoll', 'polled', 'event', 'requestNotify', 'destroy'] as const)(
    'is no completion queue for %s',
    async (call) => {
      const line = await lineOf(async (core) => {
        const cq = await (await core.openDevice()).createCq(4);
        await cq.destroy();
        await cq[call]();
      });
      expect(line).toMatch(/EINVAL: .*completion queue/);
      expect(line).toMatch(HERE);
    },
  );

  it('shows no bytes any more', async () => {
    const line = await lineOf(async (core) => {
      const pd = await (await core.openDevice()).allocatePd();
      const region = await pd.registerMemory(await core.allocate(64), ACCESS.LOCAL_WRITE);
      region.bytes[0] = 1;
      await region.deregister();
      region.bytes[0] = 2;
    });
    expect(line).toContain('EINVAL: the memory region is deregistered');
    expect(line).toMatch(HERE);
  });
});

describe('an error', () => {
  const thrower = (error: unknown) => () => {
    throw error;
  };

  it('of megabytes is cut, and stays one line', async () => {
    const line = await lineOf(thrower(new Error('so\nlong '.repeat(1e6))));
    expect(line.length).toBeLessThan(2000);
    expect(line).toMatch(/^Error: so long .*\.\.\. \(8000000 characters\), at /);
  });

  it('whose stack cannot be read is reported by its message', async () => {
    const error = new Error('hidden');
    Object.defineProperty(error, 'stack', { get: thrower(new Error('no')) });
    expect(await lineOf(thrower(error))).toBe('Error: hidden');
  });

  it('of which nothing can be read is reported all the same', async () => {
    const nothing = new Proxy(new Error('x'), { get: thrower(new Error('no')) });
    expect(await lineOf(thrower(nothing))).toContain('an Error without a message');
    expect(await lineOf(thrower(Object.create(null)))).toContain('a value of type object');
  });

  it('that is a text has no line, and says so', async () => {
    expect(await lineOf(thrower('a string'))).toBe(
      "the program threw the text 'a string', which is not an Error",
    );
  });

  it('leads through the user’s functions, and not through the emulator', async () => {
    const { failure } = await run(async (core) => {
      const outer = async (): Promise<void> => {
        await core.read(12345, 8);
      };
      await outer();
    });
    expect(failure!.message).toMatch(/^VerbsError: EFAULT: .*, at outer \(.*slips\.test\.ts/);
    expect(failure!.stack.split('\n').length).toBeGreaterThan(1);
    expect(failure!.stack).not.toMatch(/program-port|node:internal/);
  });
});

describe('a counter', () => {
  it('may have any name that is a text, also one that every object knows', async () => {
    const { counters, failure } = await run((core) => {
      core.count('constructor');
      core.count('toString', 2);
      core.count('constructor');
    });
    expect(failure).toBeNull();
    expect(Object.entries(counters['host0']!)).toEqual(
      expect.arrayContaining([
        ['constructor', 2],
        ['toString', 2],
      ]),
    );
  });

  it('counts whole and finite things only under a name of its own', async () => {
    expect(await lineOf((core) => core.count('__proto__'))).toContain(
      'is not a valid counter name',
    );
    const long = await lineOf((core) => core.count('x'.repeat(257)));
    expect(long).toContain('core.count: a name of 257 characters; the limit is 256');
    expect(long).toMatch(HERE);
    expect(await lineOf((core) => core.count('lost', NaN))).toContain("'lost' cannot grow by NaN");
  });
});
