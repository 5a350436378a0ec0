import type { Socket } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { dial, openDoor, type Door } from '../../../node/door/admission.js';
import type { TlsMaterial } from '../../../node/door/credentials.js';
import { Mesh } from '../../../node/links/mesh.js';
import { Authority, hasOpenssl } from './certificates.js';
import { Stranger } from './stranger.js';

const TOKEN = 'the-token-of-tls-tests';
const HERE = 'IP:127.0.0.1,DNS:localhost';

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  let ours: Authority;
  let theirs: Authority;
  let server: Required<TlsMaterial>;
  let member: Required<TlsMaterial>;
  const closing: (() => unknown)[] = [];
  beforeAll(() => {
    ours = new Authority('ours');
    theirs = new Authority('theirs');
    server = ours.issue(HERE);
    member = ours.issue('DNS:member');
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => {
    ours.dispose();
    theirs.dispose();
  });

  async function open(tls: TlsMaterial): Promise<{ door: Door; url: string; heard: string[] }> {
    const heard: string[] = [];
    const hear = (socket: WebSocket): unknown =>
      socket.on('message', (data: Buffer) => {
        heard.push(data.toString());
        socket.send('and to you');
      });
    const door = await openDoor({
      credentials: { token: TOKEN, tls },
      maxPayload: 1024,
      paths: { '/control': (socket) => void hear(socket) },
      pages: { '/healthz': () => ({ status: 200, type: 'text/plain', body: 'ok' }) },
    });
    closing.push(() => door.close());
    return { door, url: `wss://127.0.0.1:${door.port}/control`, heard };
  }
  const call = async (url: string, tls?: TlsMaterial, token = TOKEN): Promise<string> => {
    const socket = await dial(url, { token, tls }, 1024);
    const answer = new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    );
    socket.resume();
    socket.send('good morning');
    try {
      return await answer;
    } finally {
      socket.terminate();
    }
  };
  /** The door's certificate; it asks for none. */
  const alone = (): TlsMaterial => ({ cert: server.cert, key: server.key });

  test('carries a conversation, by address and by name', async () => {
    const { door, url, heard } = await open(alone());
    expect(await call(url, { ca: ours.certificate })).toBe('and to you');
    expect(await call(url.replace('127.0.0.1', 'localhost'), { ca: ours.certificate })).toBe(
      'and to you',
    );
    expect(heard).toEqual(['good morning', 'good morning']);
    expect(door.fates).toMatchObject({ arrived: 2, admitted: 2 });
  });

  test('does not replace the token', async () => {
    const { url } = await open(server);
    await expect(call(url, member, 'another')).rejects.toThrow('the token is wrong (401)');
  });

  test('is 1.3 or nothing', async () => {
    const { door } = await open(alone());
    const old = new Stranger(door.port, { ca: ours.certificate, maxVersion: 'TLSv1.2' });
    expect(await old.hungUp()).toBe('');
    expect(door.refusals.tls).toBe(1);
  });

  for (const [title, issue, reason] of [
    ['of another authority', () => theirs.issue(HERE), 'its issuer is not in --tls-ca'],
    ['that has expired', () => ours.issue(HERE, -1), 'it has expired'],
    [
      'for another name',
      () => ours.issue('IP:127.0.0.2,DNS:elsewhere'),
      '127.0.0.1 is not in the cert',
    ],
  ] as const) {
    test(`does not talk to a door with a certificate ${title}`, async () => {
      const { cert, key } = issue();
      const { door, url } = await open({ cert, key });
      const failed = call(url, { ca: ours.certificate });
      await expect(failed).rejects.toThrow(`${url}: its certificate is not trusted: `);
      await expect(failed).rejects.toThrow(reason);
      await expect.poll(() => door.refusals.tls + door.fates.left).toBe(1);
    });
  }

  test('takes the system’s authorities where none is named', async () => {
    const { url } = await open(alone());
    await expect(call(url)).rejects.toThrow('its certificate is not trusted');
  });

  test('is mutual where the door names an authority', async () => {
    const { door, url } = await open(server);
    expect(await call(url, member)).toBe('and to you');
    await expect(call(url, { ca: ours.certificate })).rejects.toThrow(
      /asks? for a certificate.*--tls-cert/,
    );
    const foreign = { ...theirs.issue('DNS:member'), ca: ours.certificate };
    await expect(call(url, foreign)).rejects.toThrow('trust our certificate');
    const stale = { ...ours.issue('DNS:member', -1), ca: ours.certificate };
    await expect(call(url, stale)).rejects.toThrow('our certificate');
    await expect.poll(() => door.refusals).toMatchObject({ tls: 3, token: 0 });
    expect(door.fates).toMatchObject({ arrived: 4, admitted: 1 });
  });

  test('is missed where one end does without', async () => {
    const { door, url } = await open(alone());
    await expect(call(url.replace('wss', 'ws'))).rejects.toThrow('wss:// instead of ws://?');
    await expect.poll(() => door.refusals.tls).toBe(1);
    const plain = await openDoor({ credentials: { token: TOKEN }, maxPayload: 1, paths: {} });
    closing.push(() => plain.close());
    const secure = `wss://127.0.0.1:${plain.port}/control`;
    await expect(call(secure)).rejects.toThrow(`${secure}: does not speak TLS`);
  });

  test('gives no proof to pass on: who ends TLS in the middle, with a certificate of our own authority, gets nobody admitted', async () => {
    const { door } = await open(alone());
    const middle = ours.issue(HERE);
    let passedOn = '';
    const relay = createServer({ cert: middle.cert, key: middle.key }, (caller) => {
      const onward = connect({ port: door.port, host: '127.0.0.1', ca: ours.certificate });
      for (const [from, to] of [
        [caller, onward],
        [onward, caller],
      ] as readonly [Socket, Socket][]) {
        from.on('error', () => undefined);
        from.on('data', (data) => {
          passedOn += data.toString('latin1');
          to.write(data);
        });
        from.on('close', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    closing.push(() => relay.close());
    const url = `wss://127.0.0.1:${(relay.address() as AddressInfo).port}/control`;
    await expect(call(url, { ca: ours.certificate })).rejects.toThrow('the token is wrong (401)');
    expect(passedOn).toContain('proof=');
    expect(door.fates.admitted).toBe(0);
  });

  test('serves pages', async () => {
    const { door } = await open(alone());
    const reader = new Stranger(door.port, { ca: ours.certificate });
    reader.say('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await reader.hungUp()).toMatch(/^HTTP\/1.1 200 OK[^]*ok$/);
  });

  test('links the processes of a cluster', async () => {
    const meshes = await Promise.all(
      [0, 1, 2].map((process) =>
        Mesh.open({
          ...{ process, processes: 3, cluster: 'c' },
          credentials: { token: TOKEN, tls: ours.issue(HERE) },
        }),
      ),
    );
    closing.push(() => Promise.all(meshes.map((mesh) => mesh.close())));
    const addresses = meshes.map(({ port }) => `wss://127.0.0.1:${port}`);
    await Promise.all(meshes.map((mesh) => mesh.connect(addresses)));
    const heard = new Promise<Buffer>((resolve) =>
      meshes[2]!.attach({
        received: (_from, message) => resolve(Buffer.from(message)),
        drained: () => undefined,
        lost: () => undefined,
      }),
    );
    meshes[0]!.send(2, Buffer.from('batch'), () => undefined);
    expect((await heard).toString()).toBe('batch');
  });
});
