/** The caller's side of a door: dials it, shows that it knows the token, and makes sure that the door does. */
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import {
  ASKS_FOR_CHALLENGE,
  channelOf,
  DOOR_PROOF,
  isSameProof,
  parseChallenge,
  printAnswer,
  prove,
  randomNonce,
  type Exchange,
} from './challenge.js';
import { endpointOf } from './endpoint.js';
import { faultOf, hangUpOf, isFinalFault } from './connection-fault.js';
import type { Credentials, TlsMaterial } from './credentials.js';

/** A door whose process is busy may be slow to open. */
const HANDSHAKE_MS = 30_000;
/** Ours is of 150 bytes. */
const MAX_CHALLENGE_BYTES = 4_096;

/**
 * Dials a door and waits until it opens; rejects, with the reason in one line, when it does not. The socket is handed
 * over paused: attach handlers, then `resume()`. The mask that RFC 6455 asks of clients is left zero, which both ends
 * then skip: it guards proxies against browsers, costs a factor of five and more, and these are links between our own
 * processes.
 */
export async function dial(
  url: string,
  credentials: Credentials,
  maxPayload: number,
): Promise<WebSocket> {
  const target = new URL(url);
  const path = `${target.pathname}${target.search}`;
  const attempt = new Attempt(url);
  try {
    const socket = await attempt.connect(target, credentials.tls);
    const nonce = await attempt.challenge(socket, path, target.host, credentials.tls);
    const exchange = { path, nonce, cnonce: randomNonce(), channel: channelOf(socket) };
    return await attempt.answer(socket, exchange, credentials.token, maxPayload);
  } finally {
    attempt.end();
  }
}

/** Why a door did not open. */
export class DialError extends Error {
  override readonly name = 'DialError';
  /** The door has answered, and will answer the same again: waiting does not help. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** One attempt, which ends by its deadline. */
class Attempt {
  private readonly url: string;
  private readonly timer: NodeJS.Timeout;
  private socket: Socket | undefined;
  private isLate = false;

  constructor(url: string) {
    this.url = url;
    this.timer = setTimeout(() => {
      this.isLate = true;
      this.socket?.destroy();
    }, HANDSHAKE_MS);
  }

  end(): void {
    clearTimeout(this.timer);
  }

  connect(target: URL, tls: TlsMaterial | undefined): Promise<Socket> {
    const isSecure = target.protocol === 'wss:';
    const at = endpointOf(target);
    return new Promise((resolve, reject) => {
      const socket = isSecure
        ? connectSecurely({ ...at, ...tls, minVersion: 'TLSv1.3' })
        : connect(at);
      this.socket = socket;
      socket.setNoDelay(true);
      socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve(socket));
      socket.once('error', (error: Error) =>
        reject(this.failure(faultOf(error), isFinalFault(error))),
      );
      socket.once('close', () => reject(this.failure(hangUpOf(isSecure, tls))));
    });
  }

  /**
   * Asks for the challenge. The answer is read by hand: after it the connection must be as if nothing had been said.
   */
  challenge(
    socket: Socket,
    path: string,
    host: string,
    tls: TlsMaterial | undefined,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      let heard = '';
      const hear = (data: Buffer): void => {
        heard += data.toString('latin1');
        const end = heard.indexOf('\r\n\r\n');
        if (end < 0 && heard.length < MAX_CHALLENGE_BYTES) return;
        socket.off('data', hear);
        const nonce = end === heard.length - 4 ? nonceIn(heard) : undefined;
        if (nonce !== undefined) {
          resolve(nonce);
          return;
        }
        socket.destroy();
        reject(this.failure(statusIn(heard), !isBusy(heard)));
      };
      socket.on('data', hear);
      socket.once('error', (error: Error) =>
        reject(this.failure(faultOf(error), isFinalFault(error))),
      );
      socket.once('close', () => reject(this.failure(hangUpOf(socket instanceof TLSSocket, tls))));
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${ASKS_FOR_CHALLENGE}\r\n\r\n`,
      );
    });
  }

  /** Answers it, and checks the door's own proof before anything the door says is heard. */
  answer(
    socket: Socket,
    exchange: Exchange,
    token: string,
    maxPayload: number,
  ): Promise<WebSocket> {
    const { nonce, cnonce } = exchange;
    const proof = prove(token, 'caller', exchange);
    const dialled = new WebSocket(this.url, {
      headers: { authorization: printAnswer({ nonce, cnonce, proof }) },
      createConnection: () => socket,
      perMessageDeflate: false,
      generateMask: ignore,
      maxPayload,
    });
    dialled.on('error', ignore);
    return new Promise((resolve, reject) => {
      dialled.once('upgrade', ({ headers }) => {
        const shown = headers[DOOR_PROOF.toLowerCase()];
        if (typeof shown === 'string' && isSameProof(shown, prove(token, 'door', exchange))) return;
        reject(this.failure("the other end does not know this cluster's token", true));
        dialled.terminate();
        socket.destroy();
      });
      dialled.once('unexpected-response', (_request, { statusCode }) => {
        reject(this.failure(refusal(statusCode), statusCode !== 503));
        socket.destroy();
      });
      dialled.once('open', () => {
        dialled.pause();
        resolve(dialled);
      });
      dialled.once('error', (error) => reject(this.failure(faultOf(error))));
      dialled.once('close', () => reject(this.failure('closed the connection')));
    });
  }

  private failure(reason: string, isFinal = false): DialError {
    const late = `did not answer within ${HANDSHAKE_MS / 1000} s`;
    return new DialError(`${this.url}: ${this.isLate ? late : reason}`, isFinal && !this.isLate);
  }
}

function nonceIn(head: string): string | undefined {
  if (!head.startsWith('HTTP/1.1 401 ')) return undefined;
  const header = /^www-authenticate:[ \t]*(.*)$/im.exec(head.replaceAll('\r\n', '\n'));
  return header === null ? undefined : parseChallenge(header[1]!);
}

const isBusy = (head: string): boolean => /^HTTP\/1\.[01] 503 /.test(head) || head === '';

/** What an answer that is no challenge says. */
function statusIn(head: string): string {
  const status = /^HTTP\/1\.[01] (\d{3}) /.exec(head)?.[1];
  return status === '403' || status === '503' ? refusal(Number(status)) : 'is not pinwire';
}

function refusal(status: number | undefined): string {
  switch (status) {
    case 401:
      return 'refused: the token is wrong (401)';
    case 403:
      return 'refused: forbidden (403)';
    case 404:
      return 'refused: there is no such page (404)';
    case 503:
      return 'refused: no places are left (503)';
    default:
      return 'is not pinwire';
  }
}

function ignore(): void {
  // Errors of a socket end in its 'close'.
}
