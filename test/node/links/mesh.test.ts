import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { dial } from '../../../node/door/admission.js';
import { BatchReader } from '../../../node/links/batch-reader.js';
import { FramePool } from '../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../node/model/fabric/frame-slot.js';
import { Inbox } from '../../../node/links/inbox.js';
import { Mesh } from '../../../node/links/mesh.js';
import type { MeshOwner } from '../../../node/links/mesh.js';
import { printHello } from '../../../node/links/mesh-hello.js';
import { RemoteLink } from '../../../node/links/remote-link.js';
import { RandomStream } from '../../../sim/random.js';
import { describeFrame, makeFrame, randomShape } from '../model/fabric/random-frames.js';
import { unlinked } from './unlinked.js';

const TOKEN = 'the-token';
const CLUSTER = 'cluster-1';

let meshes: Mesh[] = [];
afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()));
  meshes = [];
});

async function openMesh(process: number, processes: number, cluster = CLUSTER): Promise<Mesh> {
  const mesh = await Mesh.open({ process, processes, cluster, credentials: { token: TOKEN } });
  meshes.push(mesh);
  return mesh;
}

const addresses = (all: readonly Mesh[]): string[] =>
  all.map((mesh) => `ws://127.0.0.1:${mesh.port}`);

/** A mesh of `processes` processes, all linked. */
async function linked(processes: number): Promise<Mesh[]> {
  const all = await Promise.all(
    Array.from({ length: processes }, (_, i) => openMesh(i, processes)),
  );
  await Promise.all(all.map((mesh) => mesh.connect(addresses(all))));
  return all;
}

/** An owner that waits for what a test wants to see. */
class Listener implements MeshOwner {
  readonly messages: { readonly from: number; readonly message: Buffer }[] = [];
  readonly losses: string[] = [];
  drains = 0;
  private wake: () => void = () => undefined;

  received(from: number, message: Uint8Array): void {
    this.messages.push({ from, message: Buffer.from(message) });
    this.wake();
  }

  drained(): void {
    this.drains++;
    this.wake();
  }

  lost(link: string, reason: string): void {
    this.losses.push(`${link}: ${reason}`);
    this.wake();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

function attach(mesh: Mesh): Listener {
  const listener = new Listener();
  mesh.attach(listener);
  return listener;
}

describe('a mesh', () => {
  test('links every pair once, and carries messages in order both ways', async () => {
    const all = await linked(4);
    const listeners = all.map(attach);
    for (const mesh of all) {
      for (let to = 0; to < 4; to++) {
        if (to === mesh.process) continue;
        for (let i = 0; i < 50; i++) mesh.send(to, Buffer.from([mesh.process, i]), () => undefined);
      }
    }
    for (const [process, listener] of listeners.entries()) {
      await listener.until(() => listener.messages.length === 150);
      for (const from of [0, 1, 2, 3].filter((other) => other !== process)) {
        const theirs = listener.messages.filter((each) => each.from === from);
        expect(theirs.map(({ message }) => [...message])).toEqual(
          Array.from({ length: 50 }, (_, i) => [from, i]),
        );
      }
    }
  });

  test('exchanges ten thousand frames, every one as it was sent', async () => {
    const [left, right] = (await linked(2)) as [Mesh, Mesh];
    const places = unlinked(Int32Array.of(0, 0, 1, 1));
    const random = new RandomStream(3, 'mesh');
    const ends = [left, right].map((mesh) => {
      const pool = new FramePool(1024, 16);
      const told: number[] = [];
      const observer = { sent: (to: number, arrival: number) => told.push(to, arrival) };
      const link = new RemoteLink({ pool, places, mesh, run: 1, observer });
      const reader = new BatchReader(pool, places, mesh.process, 2, 1);
      return { mesh, pool, link, told, inbox: new Inbox(reader), listener: attach(mesh) };
    });
    const expected: [unknown[], unknown[]] = [[], []];
    for (let i = 0; i < 10_000; i++) {
      const from = random.below(2);
      const { pool, link } = ends[from]!;
      const [source, destination] = [2 * from + random.below(2), 2 * (1 - from) + random.below(2)];
      const shape = randomShape(pool, source, destination, random);
      const slot = makeFrame(pool, { ...shape, rest: shape.rest % 100 }, random);
      expected[1 - from]!.push(describeFrame(pool, slot));
      link.send(slot);
      if (random.below(500) === 0) {
        link.flush();
        await new Promise(setImmediate);
      }
    }
    for (const { link } of ends) link.flush();
    for (const { mesh, pool, inbox, listener, told } of ends) {
      const due = expected[mesh.process]!;
      const got: unknown[] = [];
      const receiver = {
        frame: (_from: number, slot: FrameSlot) => {
          got.push(describeFrame(pool, slot));
          pool.release(slot);
        },
        baton: () => {
          throw new Error('a baton came');
        },
      };
      let taken = 0;
      await listener.until(() => {
        for (const { from, message } of listener.messages.slice(taken)) inbox.store(from, message);
        taken = listener.messages.length;
        inbox.empty(receiver);
        return got.length >= due.length;
      });
      expect(got).toEqual(due);
      expect(pool.used).toBe(0);
      expect(told).toHaveLength(2 * expected[1 - mesh.process]!.length);
    }
  });

  test('pauses its senders at 16 MiB, and says when they may go on', async () => {
    const [left, right] = (await linked(2)) as [Mesh, Mesh];
    const sender = attach(left);
    const receiver = attach(right);
    const batch = Buffer.alloc(1 << 16);
    let sent = 0;
    let done = 0;
    while (!left.congested && sent < 10_000) {
      left.send(1, batch, () => done++);
      sent++;
    }
    expect(sent).toBeGreaterThan(256);
    expect(sent).toBeLessThan(2_000);
    expect(sender.drains).toBe(0);
    await sender.until(() => sender.drains > 0);
    expect(left.congested).toBe(false);
    await receiver.until(() => receiver.messages.length === sent);
    left.send(1, batch, () => done++);
    await receiver.until(() => receiver.messages.length === sent + 1);
    await new Promise(setImmediate);
    expect(done).toBe(sent + 1);
  });

  test('reads no more than 64 MiB ahead of an owner that is busy, and loses nothing', async () => {
    const [left, right] = (await linked(2)) as [Mesh, Mesh];
    const sender = attach(left);
    const receiver = attach(right);
    const batch = Buffer.alloc(1 << 18);
    const count = 800;
    let sent = 0;
    const fill = (): void => {
      while (!left.congested && sent < count) {
        batch.writeUInt32LE(sent++);
        left.send(1, Buffer.from(batch), () => undefined);
      }
    };
    const held = (): number => receiver.messages.length * batch.length;
    fill();
    for (let quiet = 0; quiet < 10;) {
      const seen = held();
      fill();
      await new Promise((resolve) => setTimeout(resolve, 20));
      quiet = held() === seen ? quiet + 1 : 0;
    }
    expect(left.congested).toBe(true);
    expect(sender.losses).toEqual([]);
    expect(held()).toBeGreaterThan(60 << 20);
    expect(held()).toBeLessThan(72 << 20);
    while (receiver.messages.length < count) {
      right.taken();
      fill();
      await new Promise(setImmediate);
    }
    expect(receiver.messages.map(({ message }) => message.readUInt32LE())).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
  });

  test('tells its owner of a lost link by name, also one that comes later', async () => {
    const [left, right] = (await linked(2)) as [Mesh, Mesh];
    const listener = attach(left);
    await right.close();
    await listener.until(() => listener.losses.length > 0);
    expect(listener.losses[0]).toMatch(/^link process 0 - process 1: closed/);
    expect(attach(left).losses).toEqual(listener.losses);
    let done = false;
    left.send(1, Buffer.alloc(8), () => (done = true));
    expect(done).toBe(true);
  });

  for (const [title, misbehave, reason] of [
    ['text comes', (socket: WebSocket) => socket.send('hi'), 'a text where a batch was due'],
    [
      'too long a message comes',
      (socket: WebSocket) => socket.send(Buffer.alloc(1 << 21)),
      'Max payload size exceeded',
    ],
  ] as const) {
    test(`closes a link over which ${title}, and names it`, async () => {
      const mesh = await openMesh(0, 2);
      const socket = await dialled(mesh);
      socket.send(printHello({ cluster: CLUSTER, process: 1 }));
      await mesh.connect([]);
      const listener = attach(mesh);
      misbehave(socket);
      await listener.until(() => listener.losses.length > 0);
      expect(listener.losses).toEqual([`link process 0 - process 1: ${reason}`]);
      socket.terminate();
    });
  }
});

async function dialled(mesh: Mesh): Promise<WebSocket> {
  const socket = await dial(`ws://127.0.0.1:${mesh.port}/fabric`, { token: TOKEN }, 1024);
  socket.resume();
  return socket;
}

describe('a mesh lets nobody in', () => {
  test('of another cluster', async () => {
    const left = await openMesh(0, 2);
    const right = await openMesh(1, 2, 'cluster-2');
    await expect(right.connect(addresses([left, right]))).rejects.toThrow(
      /link process 1 - process 0: .*another cluster/,
    );
    expect(left.refusals.strangers).toBe(1);
  });

  test('with another token', async () => {
    const left = await openMesh(0, 2);
    const right = await Mesh.open({
      process: 1,
      processes: 2,
      cluster: CLUSTER,
      credentials: { token: 'none' },
    });
    meshes.push(right);
    await expect(right.connect(addresses([left, right]))).rejects.toThrow(
      /link process 1 - process 0: .*401/,
    );
    expect(left.refusals.token).toBe(1);
  });

  for (const [title, hello] of [
    ['no JSON', 'hello'],
    ['null', 'null'],
    ['another protocol', '{"protocol":"other/1","cluster":"cluster-1","process":2}'],
    ['its own index', printHello({ cluster: CLUSTER, process: 1 })],
    ['a lower index, which does not dial', printHello({ cluster: CLUSTER, process: 0 })],
    ['an index beyond all', printHello({ cluster: CLUSTER, process: 3 })],
    ['half an index', printHello({ cluster: CLUSTER, process: 1.5 })],
    ['bytes', Buffer.from(printHello({ cluster: CLUSTER, process: 2 }))],
  ] as const) {
    test(`whose hello is ${title}`, async () => {
      const mesh = await openMesh(1, 3);
      const socket = await dialled(mesh);
      socket.send(hello);
      const [code] = (await once(socket, 'close')) as [number];
      expect(code).toBe(1008);
      expect(mesh.refusals.strangers).toBe(1);
    });
  }

  test('who is there already', async () => {
    const [left] = (await linked(2)) as [Mesh, Mesh];
    const listener = attach(left);
    const socket = await dialled(left);
    socket.send(printHello({ cluster: CLUSTER, process: 1 }));
    const [, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect(reason.toString()).toBe('process 1 is already connected');
    expect(listener.losses).toEqual([]);
  });

  test('and says which link is missing when its time is up', async () => {
    const left = await openMesh(0, 3);
    await expect(left.connect([], 50)).rejects.toThrow('link process 0 - process 1: not connected');
  });
});
