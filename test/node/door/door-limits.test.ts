import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { dial, openDoor, type Door } from '../../../node/door/admission.js';
import type { DoorLimits } from '../../../node/door/door-limits.js';
import { Mesh } from '../../../node/links/mesh.js';
import { streamOf } from '../../../node/door/stream-of.js';
import { Stranger } from './stranger.js';

const CREDENTIALS = { token: 'the-token-within-limits' };
const MAX_PAYLOAD = 1 << 20;
/** More than the buffers of a connection hold. */
const LONG_PAGE = 'x'.repeat(15 << 20);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A door with these limits, and who was admitted by it. */
async function open(limits: Partial<DoorLimits>): Promise<{ door: Door; admitted: WebSocket[] }> {
  const admitted: WebSocket[] = [];
  const take = (socket: WebSocket): void => void admitted.push(socket);
  const door = await openDoor({
    credentials: CREDENTIALS,
    maxPayload: MAX_PAYLOAD,
    paths: { '/control': take, '/quiet': { take, messagesPerSecond: 100 } },
    pages: { '/metrics': () => ({ status: 200, type: 'text/plain', body: LONG_PAGE }) },
    limits,
  });
  closing.push(() => door.close());
  return { door, admitted };
}

async function member({ port }: Door, path = '/control'): Promise<WebSocket> {
  const socket = await dial(`ws://127.0.0.1:${port}${path}`, CREDENTIALS, MAX_PAYLOAD);
  closing.push(() => socket.terminate());
  socket.resume();
  return socket;
}

const closeCode = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', resolve));

function strangers({ port }: Door, count: number): Stranger[] {
  const all = Array.from({ length: count }, () => new Stranger(port));
  closing.push(() => all.forEach(({ socket }) => socket.destroy()));
  return all;
}

describe('before it admits', () => {
  test('a door keeps a limited number of callers that leave their page unread, and drops the oldest for the next', async () => {
    const { door } = await open({ pending: 2 });
    const readers = strangers(door, 3);
    for (const reader of readers) {
      reader.socket.pause();
      reader.say('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      await sleep(50);
    }
    for (const { socket } of readers) socket.resume();
    await Promise.all(readers.map((reader) => reader.hungUp()));
    const heard = readers.map(({ heard }) => heard.length);
    expect(heard[0]).toBeLessThan(LONG_PAGE.length);
    expect(heard[1]).toBeGreaterThan(LONG_PAGE.length);
    expect(heard[2]).toBeGreaterThan(LONG_PAGE.length);
    expect(door.fates).toMatchObject({ arrived: 3, served: 3 });
  });

  test('a door stays open when the system cannot give it another connection', async () => {
    const { door } = await open({});
    const servers: Server[] = [];
    const note = (message: unknown): void => {
      servers.push((message as { readonly server: Server }).server);
    };
    subscribe('http.server.request.start', note);
    closing.push(() => unsubscribe('http.server.request.start', note));
    await member(door);
    servers[0]!.emit('error', new Error('accept EMFILE'));
    expect((await member(door)).readyState).toBe(1);
  });

  test('a door pushes out the longest waiting caller when too many wait, and goes on admitting', async () => {
    const { door } = await open({ pending: 8 });
    const first = strangers(door, 8);
    await expect.poll(() => door.fates.arrived).toBe(8);
    const later = strangers(door, 12);
    await Promise.all(first.map((each) => each.hungUp()));
    await expect.poll(() => door.refusals.crowd).toBe(12);
    await member(door);
    expect(door.refusals.crowd).toBe(13);
    expect(later.filter(({ socket }) => !socket.closed)).toHaveLength(7);
  });

  test('a door hangs up on an address that calls too often, at once', async () => {
    const { door } = await open({ burst: 5, perSecond: 1 });
    const all = strangers(door, 9);
    await expect.poll(() => door.fates.arrived).toBe(9);
    await expect.poll(() => all.filter(({ socket }) => socket.closed).length).toBe(4);
    expect(door.refusals.rate).toBe(4);
    await expect(member(door)).rejects.toThrow('ws://');
    await sleep(1_200);
    await member(door);
    expect(door.fates.admitted).toBe(1);
  });

  test('a door hangs up on who is not done in time, however it spends it', async () => {
    const { door } = await open({ admissionMs: 200 });
    const [silent, asking, dripping] = strangers(door, 3) as [Stranger, Stranger, Stranger];
    await asking.nonce('/control');
    dripping.say('GET /control HTTP/1.1\r\nx: ');
    const drip = setInterval(() => dripping.say('y'), 20);
    await Promise.all([silent.hungUp(), asking.hungUp(), dripping.hungUp()]);
    clearInterval(drip);
    expect(door.refusals).toMatchObject({ garbage: 3, token: 0 });
  });

  test('32 processes that all dial one another at once are all let in', async () => {
    const processes = 32;
    const meshes = await Promise.all(
      Array.from({ length: processes }, (_, process) =>
        Mesh.open({ process, processes, cluster: 'c', credentials: CREDENTIALS }),
      ),
    );
    closing.push(() => Promise.all(meshes.map((mesh) => mesh.close())));
    const addresses = meshes.map(({ port }) => `ws://127.0.0.1:${port}`);
    await Promise.all(meshes.map((mesh) => mesh.connect(addresses)));
    for (const { refusals } of meshes) {
      expect(Object.values<number>({ ...refusals }).reduce((sum, count) => sum + count)).toBe(0);
    }
  });

  test('a door admits no more than it has places, and again when one is free', async () => {
    const { door, admitted } = await open({ admitted: 2 });
    const [first] = [await member(door), await member(door)];
    await expect(member(door)).rejects.toThrow('refused: no places are left (503)');
    expect(door.refusals.full).toBe(1);
    first.terminate();
    await expect.poll(() => admitted[0]!.readyState).toBe(3);
    await member(door);
    expect(door.fates.admitted).toBe(3);
  });
});

describe('after it has admitted', () => {
  test('a door drops who sends more messages than its path allows, and keeps who does not', async () => {
    const { door, admitted } = await open({ lookMs: 50, burstSeconds: 1 });
    const [calm, wild] = [await member(door, '/quiet'), await member(door, '/quiet')];
    for (let i = 0; i < 100 && wild.readyState === wild.OPEN; i++) {
      calm.send('tick');
      for (let i = 0; i < 50; i++) wild.send('tick');
      await sleep(25);
    }
    expect(admitted.map(({ readyState }) => readyState)).toEqual([1, 3]);
    expect(door.refusals).toMatchObject({ flood: 1, backlog: 0 });
  });

  test('a door drops who floods it before it hears all of that', async () => {
    const { door, admitted } = await open({ lookMs: 60_000 });
    const wild = await member(door, '/quiet');
    let heard = 0;
    admitted[0]!.on('message', () => {
      heard += admitted[0]!.readyState === admitted[0]!.OPEN ? 1 : 0;
    });
    for (let i = 0; i < 20_000; i++) wild.send('tick');
    await new Promise((resolve) => admitted[0]!.once('close', resolve));
    expect(heard).toBe(500);
    expect(door.refusals.flood).toBe(1);
  });

  test('a door takes a long message from who has said a short one, whole or in pieces, and from nobody else', async () => {
    const { door, admitted } = await open({ firstBytes: 100 });
    const [known, whole, pieces] = [await member(door), await member(door), await member(door)];
    const outcome = Promise.all([whole, pieces].map(closeCode));
    known.send(Buffer.alloc(100));
    known.send(Buffer.alloc(MAX_PAYLOAD));
    whole.send(Buffer.alloc(101));
    for (let i = 0; i < 4; i++) pieces.send(Buffer.alloc(50), { fin: false });
    const long = new Promise<number>((resolve) => {
      admitted[0]!.on('message', (data: Buffer) => {
        if (data.length > 100) resolve(data.length);
      });
    });
    expect(await outcome).toEqual([1009, 1009]);
    expect(await long).toBe(MAX_PAYLOAD);
  });

  test('a door cuts off who goes on after it was told that its message is too long', async () => {
    const { door, admitted } = await open({ firstBytes: 100 });
    const [stranger] = strangers(door, 1);
    const nonce = await stranger!.nonce('/control');
    const answer = stranger!.answer(CREDENTIALS.token, '/control', nonce);
    expect(await stranger!.enter('/control', answer)).toBe(101);
    const closed = closeCode(admitted[0]!);
    // Does not hang up when the door does.
    stranger!.socket.allowHalfOpen = true;
    // The head of a frame of 64 KiB, and more and more of it.
    stranger!.say(Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    const since = performance.now();
    const more = setInterval(() => stranger!.say(new Uint8Array(1000)), 20);
    await stranger!.hungUp();
    clearInterval(more);
    await closed;
    expect(performance.now() - since).toBeLessThan(5_000);
    // 1009, in a frame of its own.
    expect(stranger!.heard.slice(-4)).toBe('\x88\x02\x03\xf1');
  });

  test('a door drops who leaves lying what it is sent', async () => {
    const { door, admitted } = await open({ lookMs: 50, stallMs: 300 });
    const reader = await member(door);
    streamOf(reader)!.pause();
    const since = performance.now();
    for (let i = 0; i < 20; i++) admitted[0]!.send(Buffer.alloc(MAX_PAYLOAD));
    await new Promise((resolve) => admitted[0]!.once('close', resolve));
    expect(performance.now() - since).toBeGreaterThan(300);
    expect(door.refusals).toMatchObject({ flood: 0, backlog: 1 });
  });

  test('a door is patient with who takes what it is sent slowly', async () => {
    const { door, admitted } = await open({ lookMs: 50, stallMs: 1_500 });
    const [reader] = strangers(door, 1);
    const nonce = await reader!.nonce('/control');
    const answer = reader!.answer(CREDENTIALS.token, '/control', nonce);
    expect(await reader!.enter('/control', answer)).toBe(101);
    const { socket } = reader!;
    let bytes = 0;
    socket.removeAllListeners('data').pause();
    socket.on('data', (data) => {
      bytes += data.length;
      if (bytes >= MAX_PAYLOAD) socket.pause();
    });
    for (let i = 0; i < 50; i++) admitted[0]!.send(Buffer.alloc(MAX_PAYLOAD));
    for (let i = 0; i < 8; i++) {
      await sleep(300);
      bytes = 0;
      socket.resume();
    }
    expect(admitted[0]!.bufferedAmount).toBeGreaterThan(MAX_PAYLOAD);
    expect(admitted[0]!.readyState).toBe(1);
    expect(door.refusals).toMatchObject({ backlog: 0 });
  });

  test('a door holds no more than so much for anybody, fast or slow', async () => {
    const { door, admitted } = await open({ lookMs: 50, backlogBytes: 4 << 20 });
    streamOf(await member(door))!.pause();
    for (let i = 0; i < 40; i++) admitted[0]!.send(Buffer.alloc(MAX_PAYLOAD));
    await new Promise((resolve) => admitted[0]!.once('close', resolve));
    expect(door.refusals).toMatchObject({ backlog: 1 });
  });
});
