import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAlive, until } from '../pinwire.js';
import { Namespaces, orSkipped, whyNoNamespaces, whyNoNetem } from './namespaces.js';
import { CLEAR_PATH, Relay } from './relay.js';

const ECHO = join(import.meta.dirname, 'scripts', 'echo.js');
const PORT = 7000;
const OUTSIDE = 9000;

interface Measured {
  readonly inOrder: boolean;
  /** In ms. */
  readonly roundTrips: readonly number[];
}

function ask(machines: Namespaces, mode: 'ask' | 'stream', to: string, count: number): Measured {
  const [host, port] = to.split(':') as [string, string];
  const command = [process.execPath, ECHO, mode, host, port, String(count)];
  return JSON.parse(machines.run('east', command)) as Measured;
}

async function listen(machines: Namespaces): Promise<ChildProcess> {
  const child = machines.node('west', [ECHO, 'listen', machines.address('west'), String(PORT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

/** Somebody on east who talks to `to` all the time, and prints what comes back. */
class Talker {
  heard = '';
  readonly child: ChildProcess;

  constructor(machines: Namespaces, host: string, port: number) {
    this.child = machines.node('east', [ECHO, 'hold', host, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout!.on('data', (data: Buffer) => (this.heard += data.toString()));
  }

  async hears(): Promise<void> {
    const before = this.heard.length;
    await until(() => this.heard.length > before, 'an answer');
  }

  async hearsNothing(ms: number): Promise<void> {
    // What was under way when the cable was pulled.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = this.heard;
    await new Promise((resolve) => setTimeout(resolve, ms));
    expect(this.heard).toBe(before);
    expect(this.child.exitCode).toBeNull();
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

const why = whyNoNamespaces();

describe.skipIf(why !== '')(orSkipped('machines in namespaces', why), () => {
  let machines: Namespaces;

  beforeAll(async () => {
    machines = new Namespaces(['east', 'west'], { forwarding: true });
    await listen(machines);
  });
  afterAll(() => machines.destroy());

  test('reach each other through the router, by name, and have nothing else', () => {
    const { roundTrips } = ask(machines, 'ask', `west:${PORT}`, 3);
    expect(roundTrips).toHaveLength(3);
    expect(machines.run('east', ['ip', '-o', '-4', 'address']).trim().split('\n')).toEqual([
      expect.stringContaining('127.0.0.1/8'),
      expect.stringContaining(`${machines.address('east')}/24`),
    ]);
  });

  test('are cut off without a word, and go on when mended', async () => {
    const talker = new Talker(machines, 'west', PORT);
    await talker.hears();
    machines.cut('west');
    await talker.hearsNothing(500);
    machines.mend('west');
    await talker.hears();
    talker.child.kill();
  });

  const whyNot = whyNoNetem();
  test.skipIf(whyNot !== '')(orSkipped('have links that netem impairs', whyNot), () => {
    machines.impair({ delayMs: 5, jitterMs: 0, lossPercent: 0 });
    const { roundTrips } = ask(machines, 'ask', `west:${PORT}`, 20);
    machines.heal();
    expect(Math.min(...roundTrips)).toBeGreaterThanOrEqual(10);
    expect(median(roundTrips)).toBeLessThan(15);
    expect(median(ask(machines, 'ask', `west:${PORT}`, 20).roundTrips)).toBeLessThan(5);
  });

  test('leave no process, no namespace and no file behind', async () => {
    const brief = new Namespaces(['west'], { forwarding: true });
    const listener = await listen(brief);
    expect(brief.pids('west')).toEqual([listener.pid]);
    const namespace = brief.namespace('west');
    expect(existsSync(`/run/netns/${namespace}`)).toBe(true);
    brief.destroy();
    await until(() => !isAlive(listener.pid!), 'the end of the listener');
    expect(existsSync(`/run/netns/${namespace}`)).toBe(false);
    expect(existsSync(`/etc/netns/${namespace}`)).toBe(false);
  });

  test('of a test process that crashed are removed by the next', async () => {
    const crashed = spawn('true');
    await once(crashed, 'exit');
    const stale = `pinwire-${crashed.pid!}-1-west`;
    machines.run('router', ['ip', 'netns', 'add', stale]);
    new Namespaces([], { forwarding: false }).destroy();
    expect(existsSync(`/run/netns/${stale}`)).toBe(false);
    expect(existsSync(`/run/netns/${machines.namespace('west')}`)).toBe(true);
  });
});

describe.skipIf(why !== '')(orSkipped('a relay between machines', why), () => {
  let machines: Namespaces;
  let relay: Relay;

  beforeAll(async () => {
    machines = new Namespaces(['east', 'west'], { forwarding: false });
    await listen(machines);
    relay = await Relay.open(
      machines,
      [{ machine: 'west', port: PORT, outside: OUTSIDE }],
      CLEAR_PATH,
    );
  });
  beforeEach(async () => {
    await relay.setPath(CLEAR_PATH);
  });
  afterAll(() => machines.destroy());

  test('is their only way', () => {
    const direct = [process.execPath, ECHO, 'ask', 'west', String(PORT), '1'];
    expect(() => machines.run('east', ['timeout', '1', ...direct])).toThrow();
    expect(median(ask(machines, 'ask', `router:${OUTSIDE}`, 20).roundTrips)).toBeLessThan(5);
  });

  test('delays both directions', async () => {
    await relay.setPath({ ...CLEAR_PATH, delayMs: 5 });
    const { roundTrips } = ask(machines, 'ask', `router:${OUTSIDE}`, 30);
    expect(Math.min(...roundTrips)).toBeGreaterThanOrEqual(10);
    expect(median(roundTrips)).toBeLessThan(15);
  });

  test('lets nothing overtake, whatever the jitter', async () => {
    await relay.setPath({ ...CLEAR_PATH, delayMs: 2, jitterMs: 10 });
    const { inOrder, roundTrips } = ask(machines, 'ask', `router:${OUTSIDE}`, 50);
    expect(inOrder).toBe(true);
    expect(Math.max(...roundTrips) - Math.min(...roundTrips)).toBeGreaterThan(5);
    expect(ask(machines, 'stream', `router:${OUTSIDE}`, 20_000).inOrder).toBe(true);
  });

  test('makes a stream wait for what was lost', async () => {
    const before = await relay.setPath({ ...CLEAR_PATH, loss: 0.1 });
    const { inOrder, roundTrips } = ask(machines, 'ask', `router:${OUTSIDE}`, 60);
    const { lost } = await relay.statistics();
    expect(inOrder).toBe(true);
    expect(lost - before.lost).toBeGreaterThan(0);
    // A timer of 200 ms may be a millisecond early.
    const held = roundTrips.reduce((sum, each) => sum + Math.floor((each + 5) / 200), 0);
    expect(held).toBeGreaterThanOrEqual(lost - before.lost);
  });

  test('has the rate it is given', async () => {
    // 20,000 lines are 108,890 bytes, there and back at 8 Mb/s.
    await relay.setPath({ ...CLEAR_PATH, mbps: 8 });
    const { roundTrips } = ask(machines, 'stream', `router:${OUTSIDE}`, 20_000);
    expect(roundTrips.at(-1)).toBeGreaterThan(108);
    expect(roundTrips.at(-1)).toBeLessThan(400);
  });

  test('that stalls a machine loses nobody’s connection, and nothing of what was said', async () => {
    const talker = new Talker(machines, 'router', OUTSIDE);
    await talker.hears();
    await relay.stall('west');
    await talker.hearsNothing(500);
    await relay.resume('west');
    await talker.hears();
    talker.child.kill();
    await once(talker.child, 'close');
    const lines = talker.heard.trim().split('\n').map(Number);
    expect(lines).toEqual(lines.map((_, index) => index));
  });
});
