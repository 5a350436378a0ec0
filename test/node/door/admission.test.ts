import { createServer as createHttp, get } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { dial, openDoor } from '../../../node/door/admission.js';
import type { Door } from '../../../node/door/admission.js';
import { printAnswer, randomNonce } from '../../../node/door/challenge.js';
import { knock, requestOf, Stranger } from './stranger.js';

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
    paths: {
      '/fabric': (socket) => admitted.push(socket),
      '/narrow': { take: (socket) => admitted.push(socket), maxPayload: 16 },
    },
    names: ['pinwire.example.com'],
    pages: {
      '/healthz': () => ({ status: 200, type: 'text/plain', body: 'ok\n' }),
      '/slow': async () => ({ status: 503, type: 'text/plain', body: 'not yet\n' }),
      '/broken': () => {
        throw new Error('no page today');
      },
    },
  });
});
afterEach(() => door.close());

const url = (path = '/fabric', { port }: { readonly port: number } = door): string =>
  `ws://127.0.0.1:${port}${path}`;
const dialled = async (path = '/fabric'): Promise<WebSocket> => {
  const socket = await dial(url(path), CREDENTIALS, MAX_PAYLOAD);
  socket.resume();
  return socket;
};
/** Sends raw bytes and waits until the door hangs up; answers with what it said. */
const shout = (bytes: string | Buffer): Promise<string> => {
  const stranger = new Stranger(door.port);
  stranger.say(bytes);
  return stranger.hungUp();
};
const none = {
  ...{ token: 0, origin: 0, path: 0, garbage: 0, tls: 0, crowd: 0, rate: 0, full: 0 },
  ...{ flood: 0, backlog: 0 },
};

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
    expect(door.fates).toEqual({ arrived: 1, admitted: 1, served: 0, left: 0 });
    socket.terminate();
  });

  for (const [title, token] of [
    ['a wrong token', 'a-token-of-that-cluster'],
    ['part of the token', TOKEN.slice(0, -1)],
    ['an empty token', ''],
  ] as const) {
    test(`refuses ${title} with 401`, async () => {
      await expect(dial(url(), { token }, 1024)).rejects.toThrow(
        `${url()}: refused: the token is wrong (401)`,
      );
      expect(door.refusals).toEqual({ ...none, token: 1 });
      expect(admitted).toHaveLength(0);
    });
  }

  for (const [title, authorization] of [
    ['nothing', ''],
    ['the token itself', `Bearer ${TOKEN}`],
    ['no proof', 'Pinwire'],
    [
      'made-up values',
      printAnswer({ nonce: randomNonce(), cnonce: randomNonce(), proof: randomNonce() }),
    ],
  ] as const) {
    test(`refuses an upgrade that shows ${title} with 401`, async () => {
      expect(await new Stranger(door.port).enter('/fabric', authorization)).toBe(401);
      expect(door.refusals).toEqual({ ...none, token: 1 });
    });
  }

  test('refuses a proof that was good on another connection, for another path, or once before', async () => {
    const first = new Stranger(door.port);
    const answer = first.answer(TOKEN, '/fabric', await first.nonce('/fabric'));
    expect(await first.enter('/fabric', answer)).toBe(101);
    expect(await new Stranger(door.port).enter('/fabric', answer)).toBe(401);

    const other = new Stranger(door.port);
    await other.nonce('/fabric');
    expect(await other.enter('/fabric', answer)).toBe(401);

    const elsewhere = new Stranger(door.port);
    const narrow = elsewhere.answer(TOKEN, '/narrow', await elsewhere.nonce('/narrow'));
    expect(await elsewhere.enter('/fabric', narrow)).toBe(401);
    expect(door.refusals).toEqual({ ...none, token: 3 });
    expect(admitted).toHaveLength(1);
    first.socket.destroy();
  });

  test('takes one answer to its challenge, and gives one challenge to a connection', async () => {
    const greedy = new Stranger(door.port);
    await greedy.nonce('/fabric');
    expect(await greedy.nonce('/fabric')).toBe('none');
    await greedy.hungUp();
    expect(door.refusals).toEqual({ ...none, token: 1 });
  });

  for (const origin of ['https://example.com', 'null', `http://127.0.0.1`]) {
    test(`refuses the right token with Origin ${origin}`, async () => {
      expect(await knock(door.port, '/fabric', TOKEN, { origin })).toBe(403);
      expect(door.refusals).toEqual({ ...none, origin: 1 });
      expect(admitted).toHaveLength(0);
    });
  }

  for (const path of ['/', '/fabrics', '/fabric/', '/toString', '/__proto__']) {
    test(`refuses the path ${path} to who is admitted, and tells nobody else that it is not there`, async () => {
      await expect(dial(url(path), CREDENTIALS, 1024)).rejects.toThrow('(404)');
      expect(door.refusals).toEqual({ ...none, path: 1 });
      await expect(dial(url(path), { token: 'another' }, 1024)).rejects.toThrow('(401)');
    });
  }

  for (const [title, bytes] of [
    ['binary garbage', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 73) & 0xff))],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['endless headers', `GET /fabric HTTP/1.1\r\n${'a: b\r\n'.repeat(5000)}`],
    ['plain HTTP', requestOf('/', {})],
    ['a body without end', requestOf('/', { 'content-length': '1000000000' }, 'POST')],
  ] as const) {
    test(`hangs up on ${title}, counts it, and goes on`, async () => {
      await shout(bytes);
      expect(door.refusals).toEqual({ ...none, garbage: 1 });
      expect(admitted).toHaveLength(0);
      const socket = await dialled();
      socket.terminate();
    });
  }

  test('hangs up on an upgrade without a key', async () => {
    expect(await knock(door.port, '/fabric', TOKEN, { 'sec-websocket-key': 'none' })).toBe(400);
    expect(door.refusals).toEqual({ ...none, garbage: 1 });
  });

  test('closes an admitted socket that sends too much or no frames, and goes on', async () => {
    for (const [path, misbehave] of [
      ['/fabric', (socket: WebSocket) => socket.send(Buffer.alloc(MAX_PAYLOAD + 1))],
      ['/narrow', (socket: WebSocket) => socket.send(Buffer.alloc(17))],
      [
        '/fabric',
        (socket: WebSocket) =>
          (socket as unknown as { _socket: NodeJS.WritableStream })._socket.write('\xff\xff\xff'),
      ],
    ] as const) {
      const socket = await dialled(path);
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

describe('a page', () => {
  /** Status and body. */
  const page = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ port: door.port, path, headers, agent: false }, (response) => {
        let body = '';
        response.on('data', (data: Buffer) => (body += data.toString()));
        response.on('end', () => resolve(`${response.statusCode!} ${body}`));
      }).on('error', reject);
    });

  test('is there without a token, also where making it takes time or fails', async () => {
    expect(await page('/healthz')).toBe('200 ok\n');
    expect(await page('/healthz?verbose')).toBe('200 ok\n');
    expect(await page('/slow')).toBe('503 not yet\n');
    expect(await page('/broken')).toBe('500 Error: no page today\n');
    expect(door.fates).toMatchObject({ served: 4, admitted: 0 });
    expect(door.refusals).toEqual(none);
  });

  for (const host of [
    '127.0.0.1:7600',
    '[::1]:7600',
    'localhost',
    'coordinator:7600',
    'pinwire-0.pinwire.default.svc.cluster.local',
    'PINWIRE.example.com:80',
  ]) {
    test(`is there for who calls the door ${host}`, async () => {
      expect(await page('/healthz', { host })).toBe('200 ok\n');
    });
  }

  for (const headers of [
    { origin: 'http://127.0.0.1' },
    { origin: 'null' },
    { host: 'rebound.example.com:7600' },
    { host: '127.0.0.1.example.com' },
    { host: 'localhost.example.com' },
    { host: 'evil example' },
  ]) {
    test(`is not for a web page: ${JSON.stringify(headers)}`, async () => {
      expect(await page('/healthz', headers)).toMatch(/^403 /);
      expect(door.refusals).toEqual({ ...none, origin: 1 });
    });
  }

  for (const [title, bytes] of [
    ['a body', requestOf('/healthz', { 'content-length': '3' }) + 'abc'],
    ['chunks', requestOf('/healthz', { 'transfer-encoding': 'chunked' })],
    ['another method', requestOf('/healthz', {}, 'POST')],
  ] as const) {
    test(`is not for a request with ${title}`, async () => {
      expect(await shout(bytes)).toMatch(/^HTTP\/1.1 400 /);
      expect(door.refusals).toEqual({ ...none, garbage: 1 });
    });
  }

  test('is made once, however many requests are sent in one go', async () => {
    const heard = await shout(requestOf('/healthz', {}).repeat(50));
    expect(heard.match(/200 OK/g)?.length ?? 0).toBeLessThan(2);
    expect(door.fates.served).toBe(1);
  });
});

describe('who dials', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const listening = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return url('/control', server.address() as AddressInfo);
  };

  test('learns that the answering program is not pinwire', async () => {
    const web = await listening(createHttp((_request, response) => response.end('hello')));
    await expect(dial(web, CREDENTIALS, 1024)).rejects.toThrow(`${web}: is not pinwire`);
    const basic = await listening(
      createHttp((_request, response) =>
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
      ),
    );
    await expect(dial(basic, CREDENTIALS, 1024)).rejects.toThrow(`${basic}: is not pinwire`);
    const mail = await listening(
      createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(`220 mail\r\n${'.'.repeat(5000)}`);
      }),
    );
    await expect(dial(mail, CREDENTIALS, 1024)).rejects.toThrow(`${mail}: is not pinwire`);
  });

  test('learns of a port where nobody listens, and of one that hangs up', async () => {
    const mute = await listening(createServer((socket) => socket.destroy()));
    await expect(dial(mute, CREDENTIALS, 1024)).rejects.toThrow(mute);
    const server = servers.pop()!;
    await new Promise((resolve) => server.close(resolve));
    await expect(dial(mute, CREDENTIALS, 1024)).rejects.toThrow('ECONNREFUSED');
  });

  for (const [title, proof] of [
    ['no proof', ''],
    ['a made-up one', `Pinwire-Proof: ${randomNonce()}`],
  ] as const) {
    test(`obeys nobody who opens the door to every token and shows ${title}`, async () => {
      const heard: string[] = [];
      const http = createHttp((_request, response) => {
        response.writeHead(401, {
          'www-authenticate': `Pinwire nonce="${randomNonce()}"`,
          'content-length': 0,
        });
        response.end();
      });
      const sockets = new WebSocketServer({ server: http });
      sockets.on('headers', (headers: string[]) => {
        if (proof !== '') headers.push(proof);
      });
      sockets.on('connection', (socket) => {
        socket.send('obey');
        socket.on('message', (data: Buffer) => heard.push(data.toString()));
      });
      const fake = await listening(http);
      await expect(dial(fake, CREDENTIALS, 1024)).rejects.toThrow(
        `${fake}: the other end does not know this cluster's token`,
      );
      expect(heard).toEqual([]);
    });
  }
});
