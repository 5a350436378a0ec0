/** Somebody at a door who speaks for himself, byte by byte: no library keeps him from anything. */
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';
import {
  channelOf,
  parseChallenge,
  printAnswer,
  prove,
  randomNonce,
  type Answer,
} from '../../../node/door/challenge.js';

/** What asks for a WebSocket. */
export const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** Lines of a request. */
export function requestOf(
  path: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([k, v]) => `${k}: ${v}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

export class Stranger {
  readonly socket: Socket;
  /** All that the door has said. */
  heard = '';
  private read = 0;
  private isClosed = false;
  private wake: () => void = () => undefined;

  constructor(port: number, tls?: ConnectionOptions) {
    const at = { port, host: '127.0.0.1' };
    this.socket = tls === undefined ? connect(at) : connectSecurely({ ...at, ...tls });
    this.socket.on('error', () => undefined);
    this.socket.on('data', (data) => {
      this.heard += data.toString('latin1');
      this.wake();
    });
    this.socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  say(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The head of the door's next answer; what came of it if the door hung up. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.heard.indexOf('\r\n\r\n', this.read);
      if (end >= 0 || this.isClosed) {
        const from = this.read;
        this.read = end < 0 ? this.heard.length : end + 4;
        return this.heard.slice(from, this.read);
      }
      await this.news();
    }
  }

  async status(): Promise<number> {
    return Number((await this.head()).slice(9, 12));
  }

  async hungUp(): Promise<string> {
    while (!this.isClosed) await this.news();
    return this.heard;
  }

  /** Asks for a challenge. */
  async nonce(path: string): Promise<string> {
    this.say(requestOf(path, { authorization: 'Pinwire' }));
    const header = /www-authenticate: (.*)\r/i.exec(await this.head());
    return parseChallenge(header?.[1] ?? '') ?? 'none';
  }

  /** The right answer to a challenge, by who knows the token. */
  answer(token: string, path: string, nonce: string): Answer {
    const cnonce = randomNonce();
    const channel = channelOf(this.socket);
    return { nonce, cnonce, proof: prove(token, 'caller', { path, nonce, cnonce, channel }) };
  }

  /** Asks to be let in; the status. */
  async enter(
    path: string,
    answer: Answer | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const authorization = typeof answer === 'string' ? answer : printAnswer(answer);
    this.say(requestOf(path, { ...UPGRADE, authorization, ...headers }));
    return this.status();
  }

  private news(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

/** The whole handshake with a token; the status. */
export async function knock(
  port: number,
  path: string,
  token: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const stranger = new Stranger(port);
  const nonce = await stranger.nonce(path);
  const status = await stranger.enter(path, stranger.answer(token, path, nonce), headers);
  stranger.socket.destroy();
  return status;
}
