import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { dial, openDoor } from '../../../node/link/admission.js';
import type { Door } from '../../../node/link/admission.js';

const TOKEN = 'a-token-of-this-cluster';
const CREDENTIALS = { token: TOKEN };
const MAX_PAYLOAD = 1024;

let door: Door;
let admitted: WebSocket[];

beforeEach(async () => {
  admitted = [];
  door = await openDoor({
    credentials: CREDENTIALS,
    maxPayload: MAX_PAYLOAD,
    paths: { '/fabric': (socket) => admitted.push(socket) },
  });
});
afterEach(() => door.close());

const url = (path = '/fabric'): string => `ws://127.0.0.1:${door.port}${path}`;
const knock = (path: string, headers: Record<string, string>): Promise<void> => {
  const socket = new WebSocket(url(path), { headers });
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
};
const dialled = async (): Promise<WebSocket> => {
  const socket = await dial(url(), CREDENTIALS, MAX_PAYLOAD);
  socket.resume();
  return socket;
};
/** Sends raw bytes and waits until the other end hangs up; answers with what it said. */
const shout = (bytes: string | Buffer): Promise<string> =>
  new Promise((resolve) => {
    let heard = '';
    const socket = connect(door.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (data) => (heard += data.toString()));
    socket.on('error', () => resolve(heard));
    socket.on('close', () => resolve(heard));
  });
const none = { token: 0, origin: 0, path: 0, garbage: 0 };

describe('a door', () => {
  test('admits who has the token, and passes messages both ways unmasked', async () => {
    const socket = await dialled();
    expect(admitted).toHaveLength(1);
    const heard = new Promise((resolve) =>
      admitted[0]!.once('message', (data: Buffer) => resolve(data.toString())),
    );
    socket.send('good morning');
    expect(await heard).toBe('good morning');
    expect(door.refusals).toEqual(none);
    socket.terminate();
  });

  for (const [title, authorization] of [
    ['a wrong token', 'Bearer a-token-of-that-cluster'],
    ['part of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['the token without its scheme', TOKEN],
    ['an empty token', 'Bearer '],
  ] as const) {
    test(`refuses ${title} with 401`, async () => {
      await expect(knock('/fabric', { authorization })).rejects.toThrow('401');
      expect(door.refusals).toEqual({ ...none, token: 1 });
      expect(admitted).toHaveLength(0);
    });
  }

  test('refuses no token with 401', async () => {
    await expect(knock('/fabric', {})).rejects.toThrow('401');
    expect(door.refusals).toEqual({ ...none, token: 1 });
  });

  for (const origin of ['https://example.com', 'null', `http://127.0.0.1`]) {
    test(`refuses the right token with Origin ${origin}`, async () => {
      const headers = { authorization: `Bearer ${TOKEN}`, origin };
      await expect(knock('/fabric', headers)).rejects.toThrow('403');
      expect(door.refusals).toEqual({ ...none, origin: 1 });
      expect(admitted).toHaveLength(0);
    });
  }

  for (const path of ['/', '/fabrics', '/fabric/', '/toString', '/__proto__']) {
    test(`refuses the path ${path}`, async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      await expect(knock(path, headers)).rejects.toThrow('404');
      expect(door.refusals).toEqual({ ...none, path: 1 });
    });
  }

  for (const [title, bytes] of [
    ['binary garbage', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 73) & 0xff))],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['endless headers', `GET /fabric HTTP/1.1\r\n${'a: b\r\n'.repeat(5000)}`],
    ['plain HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'],
    [
      'an upgrade without a key',
      `GET /fabric HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    ],
  ] as const) {
    test(`hangs up on ${title}, counts it, and goes on`, async () => {
      await shout(bytes);
      expect(door.refusals).toEqual({ ...none, garbage: 1 });
      expect(admitted).toHaveLength(0);
      const socket = await dialled();
      socket.terminate();
    });
  }

  test('closes an admitted socket that sends too much or no frames, and goes on', async () => {
    for (const misbehave of [
      (socket: WebSocket) => socket.send(Buffer.alloc(MAX_PAYLOAD + 1)),
      (socket: WebSocket) =>
        (socket as unknown as { _socket: NodeJS.WritableStream })._socket.write('\xff\xff\xff'),
    ]) {
      const socket = await dialled();
      const closed = new Promise((resolve) => admitted.at(-1)!.once('close', resolve));
      misbehave(socket);
      await closed;
    }
    const socket = await dialled();
    socket.terminate();
  });

  test('says so when its address is taken', async () => {
    const taken = openDoor({ credentials: CREDENTIALS, port: door.port, maxPayload: 1, paths: {} });
    await expect(taken).rejects.toThrow('EADDRINUSE');
  });
});
