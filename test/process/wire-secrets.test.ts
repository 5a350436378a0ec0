/** What is on the wire between the parts of a cluster, byte by byte: everything but the token. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { pinwire, Pinwire, scratch, until } from './pinwire.js';

/** Passes connections on and keeps what it sees. */
class Recorder {
  connections = 0;
  private readonly seen: Buffer[] = [];
  private readonly server: Server;

  private constructor(target: () => number) {
    this.server = createServer((near) => {
      this.connections++;
      const far = connect(target(), '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.on('data', (data) => this.seen.push(data));
        from.pipe(to);
      }
    });
  }

  static async before(target: () => number): Promise<Recorder> {
    const recorder = new Recorder(target);
    await new Promise<void>((resolve) => recorder.server.listen(0, '127.0.0.1', resolve));
    return recorder;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.seen);
  }

  close(): void {
    this.server.close();
  }
}

/** A port that nobody has now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Ways to write down bytes; base64 in each of its three alignments, without the digits that depend on neighbours. */
function spellings(secret: Buffer): Buffer[] {
  const texts = ['base64', 'base64url'].flatMap((encoding) =>
    [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), secret])
        .toString(encoding as 'base64' | 'base64url')
        .slice(shift === 0 ? 0 : 4, -4),
    ),
  );
  const hex = secret.toString('hex');
  return [secret, ...[...texts, hex, hex.toUpperCase()].map((text) => Buffer.from(text))];
}

/** What would give the token away. */
function secretsOf(token: string): Buffer[] {
  const hashes = ['sha256', 'sha1', 'md5', 'sha512'].flatMap((name) =>
    [token, `Bearer ${token}`, `${token}\n`].map((text) => createHash(name).update(text).digest()),
  );
  return [Buffer.from(token), Buffer.from(token, 'hex'), ...hashes].flatMap(spellings);
}

const started: Pinwire[] = [];
const recorders: Recorder[] = [];
afterEach(async () => {
  for (const each of started) each.child.kill('SIGINT');
  await Promise.all(started.splice(0).map(({ ended }) => ended));
  for (const recorder of recorders.splice(0)) recorder.close();
});

test('a cluster on two machines links up and runs, and nothing on the wire gives its token away', async () => {
  const token = randomBytes(32).toString('hex');
  const tokenFile = join(scratch(), 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const withToken = ['--token-file', tokenFile];
  const start = (...args: string[]): Pinwire => {
    const process = new Pinwire([...args, ...withToken]);
    started.push(process);
    return process;
  };
  const record = async (target: () => number): Promise<Recorder> => {
    const recorder = await Recorder.before(target);
    recorders.push(recorder);
    return recorder;
  };

  const up = start('up', '--placement', 'joined', '--hosts', '2', '--listen', '127.0.0.1:0');
  await up.says('up at ws:');
  const port = Number(/up at ws:.*:(\d+)/.exec(up.stdout)![1]!);
  const middle = await record(() => port);
  const url = `ws://127.0.0.1:${middle.port}`;
  const fabrics: Recorder[] = [];
  for (const name of ['a', 'b']) {
    const own = await freePort();
    const fabric = await record(() => own);
    fabrics.push(fabric);
    start(
      ...['join', url, '--name', name],
      ...['--listen', `127.0.0.1:${own}`, '--advertise', `127.0.0.1:${fabric.port}`],
    );
  }
  await until(() => up.stderr.includes('ready'), 'two machines');
  const run = ['run', 'micro/send-lat', '--set', 'iterations=50', '--quiet', '--out', scratch()];
  const { code, stderr } = await pinwire([...run, '--attach', url, ...withToken]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

  // Two machines, their two processes, a client; and one link between the processes.
  expect(middle.connections).toBe(5);
  expect(fabrics.map(({ connections }) => connections).sort()).toEqual([0, 1]);
  const wire = Buffer.concat([middle, ...fabrics].map(({ bytes }) => bytes));
  expect(wire.toString('latin1').match(/proof="/g)).toHaveLength(6);
  expect(wire.length).toBeGreaterThan(20_000);
  expect(secretsOf(token).filter((secret) => wire.includes(secret))).toEqual([]);
});
