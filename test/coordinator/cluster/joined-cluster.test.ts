import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';
import { ControlServer } from '../../../coordinator/cluster/control-server.js';
import type { EventLog } from '../../../coordinator/terminal/event-log.js';
import { HostAgent } from '../../../coordinator/cluster/host-agent.js';
import { JoinedCluster } from '../../../coordinator/cluster/joined-cluster.js';
import { PeerConnection } from '../../../coordinator/cluster/peer-connection.js';
import { VERSION } from '../../../coordinator/terminal/version.js';
import { dial } from '../../../node/door/dial.js';
import { MAX_CONTROL_BYTES } from '../../../wire/control/codec.js';
import {
  JOIN_PATH,
  JOIN_PROTOCOL,
  parseJoinOrder,
  type JoinNotice,
  type JoinOrder,
  type Offer,
} from '../../../wire/control/join-messages.js';
import type { Notice } from '../../../wire/control/notices.js';
import { CONTROL_PATH, parseOrder, type Order } from '../../../wire/control/orders.js';
import { SILENT } from '../terminal/silent-log.js';

const credentials = { token: 'a-token-of-this-cluster' };
const OFFER: Offer = {
  type: 'offer',
  protocol: JOIN_PROTOCOL,
  version: VERSION,
  node: process.version,
  name: 'node',
  hosts: 1,
  processes: 1,
  cores: 2,
  memory: 2 ** 30,
  encrypted: false,
};

let server: ControlServer;
let cluster: JoinedCluster;
let events: string[];
let machines: FakeMachine[];

async function open(hosts: number): Promise<void> {
  const tell = (fields: object, event: string): void => {
    const { name, reason } = fields as { name?: string; reason?: string };
    events.push([event, name, reason].filter((part) => part !== undefined).join(' '));
  };
  const log: EventLog = { debug: tell, info: tell, warn: tell, error: tell };
  cluster = new JoinedCluster({
    config: clusterConfig({ placement: 'joined' }, hosts),
    encrypted: false,
    log,
    stranger: () => server.countStranger(),
  });
  server = await ControlServer.open({
    credentials,
    welcome: cluster.welcome,
    paths: { [JOIN_PATH]: (socket) => cluster.join(socket, '192.0.2.1') },
  });
}

beforeEach(() => {
  events = [];
  machines = [];
});
afterEach(async () => {
  for (const machine of machines) machine.hangUp();
  await cluster.stop('the test is over');
  await server.close();
});

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited for ${what}: ${events.join('; ')}`);
    await sleep(5);
  }
}

/** A machine that joins, and whose processes do nothing but say hello and be linked. */
class FakeMachine {
  readonly orders: JoinOrder[] = [];
  readonly processes: PeerConnection<Notice>[] = [];
  isClosed = false;
  /** Its processes say that they are linked as soon as they know of one another. */
  linksUp = true;
  private connection!: PeerConnection<JoinNotice>;
  private readonly startsProcesses: boolean;

  private constructor(startsProcesses: boolean) {
    this.startsProcesses = startsProcesses;
  }

  static async join(offer: Partial<Offer> = {}, startsProcesses = true): Promise<FakeMachine> {
    const machine = new FakeMachine(startsProcesses);
    machines.push(machine);
    const socket = await dial(`ws://127.0.0.1:${server.port}${JOIN_PATH}`, credentials, 1 << 20);
    machine.connection = PeerConnection.over<JoinOrder, JoinNotice>(socket, parseJoinOrder, {
      heard: (order) => void machine.obey(order),
      closed: () => (machine.isClosed = true),
    });
    machine.connection.send({ ...OFFER, ...offer });
    await until(() => machine.orders.length > 0 || machine.isClosed, 'an answer to the offer');
    return machine;
  }

  get first(): JoinOrder | undefined {
    return this.orders[0];
  }

  /** The hosts that it was assigned last. */
  get hosts(): readonly number[] {
    const assign = this.orders.findLast((order) => order.type === 'assign');
    return assign?.assigned.flatMap(({ hosts }) => hosts) ?? [];
  }

  send(notice: JoinNotice): void {
    this.connection.send(notice);
  }

  hangUp(): void {
    this.connection.drop('over');
    for (const process of this.processes) process.drop('over');
  }

  private async obey(order: JoinOrder): Promise<void> {
    this.orders.push(order);
    if (order.type === 'dismiss') this.connection.close();
    if (order.type !== 'assign' || !this.startsProcesses) return;
    const url = `ws://127.0.0.1:${server.port}${CONTROL_PATH}`;
    for (const { process, ticket } of order.assigned) {
      const socket = await dial(url, credentials, MAX_CONTROL_BYTES);
      const connection = PeerConnection.over<Order, Notice>(socket, parseOrder, {
        heard: ({ type }) => {
          if (type === 'peers' && this.linksUp) connection.send({ type: 'linked' });
        },
        closed: () => undefined,
      });
      this.processes.push(connection);
      const { cluster: name } = order;
      const fabric = 'ws://192.0.2.1:1';
      connection.send({ type: 'hello', cluster: name, process, ticket, pid: 4711, fabric });
    }
  }
}

describe('a cluster of machines that join', () => {
  test('stands when there are hosts enough, numbered by the machines’ names as people count', async () => {
    await open(3);
    const ten = await FakeMachine.join({ name: 'node-10' });
    const two = await FakeMachine.join({ name: 'node-2' });
    expect(cluster.missingHosts).toBe(1);
    const one = await FakeMachine.join({ name: 'node-1' });
    const processes = await cluster.processes();
    expect(processes.partition).toEqual([[0], [1], [2]]);
    expect([one.hosts, two.hosts, ten.hosts]).toEqual([[0], [1], [2]]);
    expect(processes.nameOf(1)).toBe('host1 (node-2, 192.0.2.1, pid 4711)');
  });

  test('takes several hosts of a machine, packed as it offers, and no more than it needs', async () => {
    await open(5);
    const a = await FakeMachine.join({ name: 'a', hosts: 3, processes: 2 });
    const b = await FakeMachine.join({ name: 'b', hosts: 8, processes: 8 });
    const { partition } = await cluster.processes();
    expect(partition).toEqual([[0], [1, 2], [3], [4]]);
    expect([a.hosts, b.hosts]).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
  });

  test('lets a machine beyond its need stand by, and take the place of one that is lost', async () => {
    await open(2);
    const first = await FakeMachine.join({ name: 'a' });
    await FakeMachine.join({ name: 'b' });
    const spare = await FakeMachine.join({ name: 'c' });
    const before = await cluster.processes();
    expect(spare.hosts).toEqual([]);
    first.hangUp();
    await expect(before.lost).rejects.toThrow(/^host0 \(a, 192\.0\.2\.1, pid 4711\) closed its/);
    await cluster.processes();
    expect(spare.hosts).toEqual([1]);
  });

  test('stands again when a machine comes back', async () => {
    await open(2);
    const first = await FakeMachine.join({ name: 'a' });
    const other = await FakeMachine.join({ name: 'b' });
    await cluster.processes();
    first.hangUp();
    await until(() => other.orders.at(-1)!.type === 'release', 'its release');
    expect(cluster.missingHosts).toBe(1);
    const back = await FakeMachine.join({ name: 'a' });
    await cluster.processes();
    expect([back.hosts, other.hosts]).toEqual([[0], [1]]);
  });

  test('does not stand when the last word of being linked comes after the loss of another', async () => {
    await open(2);
    const slow = await FakeMachine.join({ name: 'a' });
    slow.linksUp = false;
    const first = await FakeMachine.join({ name: 'b' });
    await until(() => slow.processes.length > 0 && first.processes.length > 0, 'their processes');
    await sleep(50);
    first.hangUp();
    await until(() => slow.orders.at(-1)!.type === 'release', 'its release');
    slow.processes[0]!.send({ type: 'linked' });
    await sleep(50);
    expect(cluster.fabric).toEqual([]);
    expect(events).not.toContain('ready');
    // The next one is not taken for linked either before it is.
    const next = await FakeMachine.join({ name: 'c' }, false);
    await until(() => next.hosts.length > 0, 'its assignment');
    let isThere = false;
    void cluster.processes().then(
      () => (isThere = true),
      () => undefined,
    );
    await sleep(50);
    expect(isThere).toBe(false);
  });

  test('hears of a machine that cannot start a process, which is there still', async () => {
    await open(1);
    const agent = await HostAgent.join({
      ...{ url: `ws://127.0.0.1:${server.port}`, credentials, name: 'a', hosts: 1, processes: 1 },
      resources: { cores: 2, memory: 2 ** 30 },
      fabric: { host: '', port: 0, advertisedHost: '', advertisedPort: 0 },
      // More than an environment may hold.
      programs: { files: false, directories: ['x'.repeat(200_000)] },
      ...{ log: SILENT, print: () => undefined },
    });
    const failure = /^not ready host0 \(a, 192\.0\.2\.1\) could not be started: spawn E2BIG$/;
    await until(() => events.some((event) => failure.test(event)), 'its failure');
    agent.leave();
    expect(await agent.ended).toEqual({ kind: 'dismissed', reason: 'it asked to leave' });
  });

  test('names a machine whose process ended, with how it ended', async () => {
    await open(2);
    const first = await FakeMachine.join({ name: 'a' });
    await FakeMachine.join({ name: 'b' });
    const processes = await cluster.processes();
    const { cluster: name } = first.orders.find(({ type }) => type === 'assign') as {
      cluster: string;
    };
    first.send({ type: 'ended', cluster: name, process: 0, how: 'was killed by SIGKILL' });
    await expect(processes.lost).rejects.toThrow('was killed by SIGKILL');
  });

  test('lets a machine leave: at once between runs, else after the current run', async () => {
    await open(2);
    const first = await FakeMachine.join({ name: 'a' });
    await FakeMachine.join({ name: 'b' });
    await FakeMachine.join({ name: 'c' });
    const processes = await cluster.processes();
    processes.listener = () => undefined;
    first.send({ type: 'leaving' });
    await sleep(50);
    expect(first.isClosed).toBe(false);
    processes.listener = undefined;
    await until(() => first.isClosed, 'its dismissal');
    expect(first.orders.at(-1)!.type).toBe('dismiss');
    await cluster.processes();
    expect(cluster.members.map(({ name, hosts }) => [name, hosts])).toEqual([
      ['b', [0]],
      ['c', [1]],
    ]);
  });

  test('gives a second machine of the same name another one', async () => {
    await open(3);
    await FakeMachine.join({ name: 'a' });
    const second = await FakeMachine.join({ name: 'a' });
    expect(second.first).toEqual({ type: 'welcome', name: 'a-2' });
  });

  test('dismisses everybody when it is stopped, and lets go of those who wait for it', async () => {
    await open(2);
    const machine = await FakeMachine.join({ name: 'a' });
    const waiting = cluster.processes();
    const stopped = cluster.stop('the cluster was stopped');
    await expect(waiting).rejects.toThrow('the cluster was stopped');
    await stopped;
    expect(machine.orders.at(-1)).toEqual({ type: 'dismiss', reason: 'the cluster was stopped' });
  });
});

describe('an offer is refused with the reason', () => {
  test.each([
    ['an old protocol', { protocol: 'pinwire-join/0' }, /it speaks pinwire-join\/0, this cluster/],
    ['another version', { version: '0.0.1' }, /it runs pinwire 0\.0\.1, this cluster/],
    ['another Node major', { node: 'v18.1.0' }, /it runs Node\.js v18\.1\.0, this cluster v/],
    ['too little memory', { memory: 2 ** 20 }, /need 67108864 bytes of memory, but it has 1048576/],
    ['encrypted links', { encrypted: true }, /links of this cluster are not encrypted/],
  ])('%s', async (_what, offer, reason) => {
    await open(2);
    const machine = await FakeMachine.join(offer);
    expect(machine.first).toMatchObject({
      type: 'refused',
      reason: expect.stringMatching(reason) as string,
    });
    await until(() => machine.isClosed, 'the end of the connection');
    expect(cluster.members).toEqual([]);
  });
});

describe('a machine that breaks the protocol is dropped, and counted until it is somebody', () => {
  test.each([
    ['is no offer', { type: 'leaving' }],
    ['has no name', { ...OFFER, name: undefined }],
    ['has a name that moves the cursor', { ...OFFER, name: 'node\u001b[2J' }],
    ['offers no hosts', { ...OFFER, hosts: 0 }],
    ['is unknown', { type: 'surrender' }],
  ])('whose first message %s', async (_what, offer) => {
    await open(2);
    const machine = await FakeMachine.join(offer as unknown as Offer);
    await until(() => machine.isClosed, 'the end of the connection');
    expect(server.refusals.strangers).toBe(1);
    expect(cluster.members).toEqual([]);
  });

  test('that speaks of another’s process', async () => {
    await open(2);
    const a = await FakeMachine.join({ name: 'a' });
    const b = await FakeMachine.join({ name: 'b' });
    await cluster.processes();
    const { cluster: name } = a.orders.find(({ type }) => type === 'assign') as { cluster: string };
    b.send({ type: 'ended', cluster: name, process: 0, how: 'is no more' });
    await until(() => b.isClosed, 'the end of the connection');
    expect(events).toContain('host lost b sent a malformed message: process 0 is not its own');
  });

  test('or never starts its process: the next formation is tried with who stands by', async () => {
    await open(1);
    const idle = await FakeMachine.join({ name: 'a' }, false);
    await FakeMachine.join({ name: 'b' });
    const { cluster: name } = idle.orders.find(({ type }) => type === 'assign') as {
      cluster: string;
    };
    idle.send({ type: 'ended', cluster: name, process: 0, how: 'could not be started' });
    await cluster.processes();
    expect(cluster.members.map(({ name, hosts }) => [name, hosts])).toEqual([
      ['b', [0]],
      ['a', []],
    ]);
  });
});
