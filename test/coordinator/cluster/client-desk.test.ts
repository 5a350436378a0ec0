/** The desk over a real door on loopback: who is served, who is turned away, and who is dropped. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ClientDesk } from '../../../coordinator/cluster/client-desk.js';
import { clientRun } from '../../../coordinator/cluster/client-run.js';
import { clusterStatus, parseClusterStatus } from '../../../coordinator/cluster/cluster-status.js';
import { formatStatus } from '../../../coordinator/cli/command-status.js';
import { ControlServer } from '../../../coordinator/cluster/control-server.js';
import { parseRunRecord } from '../../../coordinator/run/run-record.js';
import { RunQueue } from '../../../coordinator/run/run-queue.js';
import { dial } from '../../../node/door/dial.js';
import {
  CLIENT_PATH,
  CLIENT_PROTOCOL,
  parseClientReply,
  type ClientReply,
} from '../../../wire/control/client-messages.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';
import { SILENT } from '../terminal/silent-log.js';
import { ToyCluster, ToyProcess, toySpec, type Behaviour } from './toy-cluster.js';

const credentials = { token: 'a'.repeat(64) };

let server: ControlServer;
let process: ToyProcess;
let queue: RunQueue;
let desk: ClientDesk;

beforeEach(async () => {
  process = new ToyProcess();
  const cluster = new ToyCluster(process);
  queue = new RunQueue(cluster, SILENT);
  desk = new ClientDesk({
    cluster,
    queue,
    status: (clients) => clusterStatus(cluster, queue, clients),
    log: SILENT,
    stranger: () => server.countStranger(),
  });
  server = await ControlServer.open({
    credentials,
    paths: { [CLIENT_PATH]: (socket) => desk.receive(socket, '127.0.0.1') },
    welcome: () => undefined,
  });
});

afterEach(async () => {
  await queue.drain(0, 'the test is over');
  await server.close();
});

/** A client by hand: says what the test wants, and keeps what it hears. */
class Caller {
  readonly heard: (ClientReply | string)[] = [];
  readonly closed: Promise<void>;
  private readonly socket: WebSocket;
  private wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.heard.push(parseClientReply(unpackControl(data)));
      this.wake();
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.resume();
  }

  static async dial(): Promise<Caller> {
    const url = `ws://127.0.0.1:${server.port}${CLIENT_PATH}`;
    return new Caller(await dial(url, credentials, 2 ** 20));
  }

  /** A caller that has said hello. */
  static async greeted(who = 'ada@node7'): Promise<Caller> {
    const caller = await Caller.dial();
    caller.say({ type: 'hello', protocol: CLIENT_PROTOCOL, version: '1', node: 'v20.0.0', who });
    await caller.hears('cluster');
    return caller;
  }

  say(message: object): void {
    this.socket.send(packControl(message));
  }

  sayBytes(bytes: Uint8Array | string): void {
    this.socket.send(bytes);
  }

  asksFor(id: number, behaviour: Behaviour, more: object = {}): void {
    this.say({ type: 'run', id, name: 'toy', run: { ...clientRun(toySpec(behaviour)), ...more } });
  }

  /** The first reply of this type, now or later. */
  async hears<T extends ClientReply['type']>(
    type: T,
  ): Promise<Extract<ClientReply, { readonly type: T }>> {
    for (;;) {
      const reply = this.heard.find((each) => typeof each !== 'string' && each.type === type);
      if (reply !== undefined) return reply as Extract<ClientReply, { readonly type: T }>;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  stopReading(): void {
    this.socket.pause();
  }

  hangUp(): void {
    this.socket.terminate();
  }
}

describe('a client', () => {
  test('gets the record of its run', async () => {
    const caller = await Caller.greeted();
    caller.asksFor(7, 'ends');
    const { id, record } = await caller.hears('record');
    expect(id).toBe(7);
    expect(parseRunRecord(record, 100)).toMatchObject({
      values: ['result of run 1'],
      virtualNs: 1,
      blocked: [],
      ended: 100,
    });
    expect((await caller.hears('started')).pids).toEqual([4711]);
  });

  test('learns why its run failed, and may ask for another under the same number', async () => {
    const caller = await Caller.greeted();
    caller.asksFor(7, 'throws');
    expect((await caller.hears('failed')).message).toBe('host0 core 0: thrown on purpose');
    caller.asksFor(7, 'ends');
    await caller.hears('record');
  });

  test('takes its run with it when it leaves', async () => {
    const [first, second] = [await Caller.greeted(), await Caller.greeted()];
    first.asksFor(1, 'goes on');
    await first.hears('started');
    second.asksFor(1, 'ends');
    expect(await second.hears('queued')).toMatchObject({ before: 1, missing: 0, hosts: 2 });
    first.hangUp();
    await second.hears('record');
    expect(process.told).toContain('abandon 1');
  });

  test('may cancel its run', async () => {
    const caller = await Caller.greeted();
    caller.asksFor(1, 'goes on');
    await caller.hears('started');
    caller.say({ type: 'cancel', id: 1 });
    expect((await caller.hears('failed')).message).toBe('it was cancelled');
  });

  test('cannot put anything into the cluster’s own: hosts, hardware and clock stay as they are', async () => {
    const caller = await Caller.greeted();
    caller.asksFor(1, 'ends', { hosts: 500, cores: 99, memory: 1, profile: {}, clock: 'real' });
    await caller.hears('record');
  });

  test.each([
    ['a file', { module: 'file:///etc/passwd' }, /does not load file: modules/],
    ['another host', { programs: [{ ...toySpec('ends').programs[0]!, host: 2 }] }, /program\.host/],
    [
      'more memory',
      { machine: { ...toySpec('ends').machine, memory: 2 ** 31 } },
      /needs 2147483648 bytes of memory per host/,
    ],
    ['two programs on one core', { programs: [0, 1].map(programOf) }, /two programs on one core/],
    ['no programs', { programs: [] }, /no programs/],
    ['a seed that is none', { seed: -1 }, /spec\.seed/],
  ])('is refused a run with %s, and stays', async (_what, more, message) => {
    const caller = await Caller.greeted();
    caller.asksFor(1, 'ends', more);
    const reply = await caller.hears('failed');
    expect(reply.message).toMatch(/^refused: /);
    expect(reply.message).toMatch(message);
    caller.asksFor(2, 'ends');
    await caller.hears('record');
  });

  test('has a limited number of runs in the queue', async () => {
    const caller = await Caller.greeted();
    for (let id = 0; id < 17; id++) caller.asksFor(id, 'goes on');
    expect(await caller.hears('failed')).toMatchObject({
      id: 16,
      message: 'refused: 16 runs of this client are already queued',
    });
  });

  test('hears when the cluster goes', async () => {
    const caller = await Caller.greeted();
    await desk.close('the cluster is stopping');
    expect((await caller.hears('closing')).reason).toBe('the cluster is stopping');
    await caller.closed;
  });

  test('learns what the cluster is and does', async () => {
    const [ada, bob] = [await Caller.greeted('ada\u001b[2J'), await Caller.greeted('bob')];
    ada.asksFor(1, 'goes on');
    await ada.hears('started');
    bob.asksFor(1, 'ends');
    await bob.hears('queued');
    bob.say({ type: 'status' });
    const status = parseClusterStatus((await bob.hears('status')).status);
    if (typeof status === 'string') throw new Error(status);
    expect(status).toMatchObject({
      cluster: { hosts: 2, profile: 'roce-100g' },
      run: { run: 1, workload: 'toy' },
      queue: [{ workload: 'toy', client: 'bob' }],
      clients: 1,
    });
    const told = formatStatus({ url: 'ws://here', status });
    expect(told).toMatch(/^run 1: toy, at 0 ps, 0 packets, [\d.]+ s so far; client ada\?\[2J$/m);
    expect(told).toMatch(/^queued \(1\): toy; client bob$/m);
  });
});

describe('who is no client', () => {
  test('speaks another protocol, and learns which one is spoken here', async () => {
    const caller = await Caller.dial();
    caller.say({ type: 'hello', protocol: 'pinwire-client/0', secret: 42 });
    expect((await caller.hears('refused')).reason).toBe(
      `this cluster speaks ${CLIENT_PROTOCOL}, the client pinwire-client/0`,
    );
    await caller.closed;
    await expect.poll(() => server.refusals.strangers).toBe(1);
  });

  test.each([
    ['garbage', (caller: Caller) => caller.sayBytes(Uint8Array.of(0xc1, 2, 3))],
    ['a text', (caller: Caller) => caller.sayBytes('hello')],
    ['an unknown message', (caller: Caller) => caller.say({ type: 'surrender' })],
    ['a request before its hello', (caller: Caller) => caller.say({ type: 'status' })],
  ])('sends %s, and is dropped and counted', async (_what, speak) => {
    const caller = await Caller.dial();
    speak(caller);
    await caller.closed;
    expect(caller.heard).toEqual([]);
    await expect.poll(() => server.refusals.strangers).toBe(1);
  });

  test('breaks the protocol later: it is dropped, and its run with it', async () => {
    const caller = await Caller.greeted();
    caller.asksFor(1, 'goes on');
    await caller.hears('started');
    caller.asksFor(1, 'goes on');
    await caller.closed;
    await expect.poll(() => queue.counts).toEqual({ done: 0, failed: 0, cancelled: 1 });
  });
});

test('a client that does not read is dropped after 5 s, and its run with it', async () => {
  const caller = await Caller.greeted();
  caller.asksFor(1, 'goes on');
  await caller.hears('started');
  caller.stopReading();
  const since = performance.now();
  await expect.poll(() => queue.counts.cancelled, { timeout: 9_000, interval: 100 }).toBe(1);
  expect(performance.now() - since).toBeGreaterThan(3_000);
});

function programOf(rank: number): object {
  return { ...toySpec('ends').programs[0]!, rank };
}
