/**
 * A debugger of programs: the command's inspector flags reach the host processes, and a `debugger` statement stops
 * there.
 */
import { execPath } from 'node:process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { Pinwire, ROOT, scratch, until } from './pinwire.js';

/** A program whose rank 1 stops; it goes on by itself once it is let go. */
const SOURCE = `import { type Core, us } from 'pinwire';
async function stops(core: Core): Promise<number> {
  const answer = 40 + core.rank;
  await core.sleep(us(1));
  if (core.rank === 1) {
    debugger;
  }
  await core.sleep(us(1));
  return answer;
}
export default {
  name: 'stops',
  summary: '',
  parameters: {},
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  program: stops,
  summarise: ([a, b]: number[]) => ({ verified: a === 40 && b === 41, metrics: [] }),
};
`;

type Message = { id?: number; method?: string; params?: never; result?: never };

/** One inspector's protocol: commands and events, with the sessions of its worker threads behind it. */
class Inspector {
  private readonly socket: WebSocket;
  private readonly seen: { session: string; message: Message }[] = [];
  private last = 0;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data) => {
      this.take('', JSON.parse((data as Buffer).toString()) as Message);
    });
  }

  async open(): Promise<void> {
    await until(() => this.socket.readyState === WebSocket.OPEN, 'the inspector');
  }

  send(method: string, params: object = {}, session = ''): number {
    const id = ++this.last;
    const text = JSON.stringify({ id, method, params });
    if (session === '') this.socket.send(text);
    else this.send('NodeWorker.sendMessageToWorker', { sessionId: session, message: text });
    return id;
  }

  /** The first event of this name (that is such a one). */
  async event<T>(
    method: string,
    isSuch: (params: T) => boolean = () => true,
  ): Promise<{ session: string; params: T }> {
    const find = () =>
      this.seen.find(({ message }) => message.method === method && isSuch(message.params as T));
    await until(() => find() !== undefined, method);
    const { session, message } = find()!;
    return { session, params: message.params as T };
  }

  async answer<T>(id: number, session: string): Promise<T> {
    const find = () => this.seen.find((each) => each.session === session && each.message.id === id);
    await until(() => find() !== undefined, `the answer to ${id}`);
    return find()!.message.result as T;
  }

  close(): void {
    this.socket.close();
  }

  private take(session: string, message: Message): void {
    this.seen.push({ session, message });
    if (message.method === 'NodeWorker.attachedToWorker') {
      const { sessionId } = message.params as unknown as { sessionId: string };
      this.send('Debugger.enable', {}, sessionId);
      this.send('Runtime.runIfWaitingForDebugger', {}, sessionId);
    }
    // A thread that waited for its debugger stops at its first line as well.
    if (session !== '' && message.method === 'Debugger.paused') {
      if (!isInProgram(message.params as unknown as Paused))
        this.send('Debugger.resume', {}, session);
    }
    if (message.method === 'NodeWorker.receivedMessageFromWorker') {
      const inner = message.params as unknown as { sessionId: string; message: string };
      this.take(inner.sessionId, JSON.parse(inner.message) as Message);
    }
  }
}

interface Paused {
  readonly callFrames: readonly { functionName: string; callFrameId: string }[];
}
const isInProgram = ({ callFrames: [top] }: Paused): boolean => top?.functionName === 'stops';

const open: Inspector[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** The `which`-th inspector that announces itself on standard error, let go from its first line. */
async function attach(command: Pinwire, which: number): Promise<Inspector> {
  const urls = (): string[] =>
    [...command.stderr.matchAll(/Debugger listening on (\S+)/g)].map(([, url]) => url!);
  await until(() => urls().length > which, `inspector ${which}`);
  const inspector = new Inspector(urls()[which]!);
  open.push(inspector);
  await inspector.open();
  inspector.send('NodeWorker.enable', { waitForDebuggerOnStart: true });
  inspector.send('Debugger.enable');
  inspector.send('Runtime.runIfWaitingForDebugger');
  return inspector;
}

describe('a command under node --inspect-brk', () => {
  test.each([
    ['on the thread of an embedded process', ['--placement', 'embedded']],
    ['on a worker thread', ['--processes', '1']],
  ])(
    'lets its program be stopped %s, looked at, and let go',
    async (_, options) => {
      const path = join(scratch(), 'stops.ts');
      writeFileSync(path, SOURCE);
      const bin = join(ROOT, 'bin', 'pinwire.js');
      const args = ['--inspect-brk=0', bin, 'run', path, '--out', scratch(), ...options];
      const command = new Pinwire(args, { file: execPath });
      const own = await attach(command, 0);
      // It stops at its first line.
      await own.event('Debugger.paused');
      own.send('Debugger.resume');
      const host = await attach(command, 1);
      await host.event('Debugger.paused');
      host.send('Debugger.resume');

      const { session, params } = await host.event<Paused>('Debugger.paused', isInProgram);
      const { callFrameId } = params.callFrames[0]!;
      const id = host.send(
        'Debugger.evaluateOnCallFrame',
        { callFrameId, expression: 'answer + 1' },
        session,
      );
      const { result } = await host.answer<{ result: { value: number } }>(id, session);
      expect(result.value).toBe(42);
      host.send('Debugger.resume', {}, session);
      own.close();
      host.close();
      const { code, stderr } = await command.ended;
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('pinwire:')]);
    },
    60_000,
  );
});
