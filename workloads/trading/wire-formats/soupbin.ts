/**
 * SoupBinTCP 3.0: packets on a stream, a login, and a numbered flow from server to client.
 *
 *    0        2      3
 *   | length | type | payload ... |      length counts type and payload
 *
 * Sequenced packets carry no number: both sides count them, from the number that the login agreed on. After a
 * second without anything to send a heartbeat goes out; a peer that is silent for 15 seconds is gone.
 */
import type { Instant } from '../../../units/time.js';
import { PS_PER_S } from '../../../units/time.js';
import { emitFields, parseFields, type Fields } from './layout.js';

export const SOUP_HEADER = 3;

/** Type characters; the client's heartbeat and the server's differ. */
export const DEBUG = 0x2b; // +
export const LOGIN_REQUEST = 0x4c; // L
export const LOGIN_ACCEPTED = 0x41; // A
export const LOGIN_REJECTED = 0x4a; // J
export const SEQUENCED = 0x53; // S
export const UNSEQUENCED = 0x55; // U
export const SERVER_HEARTBEAT = 0x48; // H
export const CLIENT_HEARTBEAT = 0x52; // R
export const END_OF_SESSION = 0x5a; // Z
export const LOGOUT = 0x4f; // O

/** Reasons for a rejection. */
export const NOT_AUTHORISED = 'A';
export const NO_SUCH_SESSION = 'S';

export interface LoginRequest {
  readonly username: string;
  readonly password: string;
  /** Empty for the current one. */
  readonly session: string;
  /** The first sequenced packet wanted: 1 for all, 0 for the next. */
  readonly sequence: number;
}

export interface LoginAccepted {
  readonly session: string;
  /** The number of the next sequenced packet. */
  readonly sequence: number;
}

const REQUEST = {
  username: [0, 6, 'text'],
  password: [6, 10, 'text'],
  session: [16, 10, 'text'],
  sequence: [26, 20, 'text'],
} as const satisfies Fields;
const ACCEPTED = { session: [0, 10, 'text'], sequence: [10, 20, 'text'] } as const satisfies Fields;
const REQUEST_BYTES = 46;
const ACCEPTED_BYTES = 30;

/** Writes the header of a packet with `payload` bytes of payload and returns where the payload goes. */
export function emitSoupHeader(
  type: number,
  payload: number,
  into: Uint8Array,
  at: number,
): number {
  const length = 1 + payload;
  into[at] = length >>> 8;
  into[at + 1] = length & 0xff;
  into[at + 2] = type;
  return at + SOUP_HEADER;
}

/** Numbers are text, on the right of their field. */
export function emitLoginRequest(login: LoginRequest, into: Uint8Array, at: number): number {
  const payload = emitSoupHeader(LOGIN_REQUEST, REQUEST_BYTES, into, at);
  const sequence = String(login.sequence).padStart(20);
  emitFields(REQUEST, { ...login, sequence }, into, payload);
  return SOUP_HEADER + REQUEST_BYTES;
}

export function emitLoginAccepted(login: LoginAccepted, into: Uint8Array, at: number): number {
  const payload = emitSoupHeader(LOGIN_ACCEPTED, ACCEPTED_BYTES, into, at);
  const session = login.session.padStart(10);
  emitFields(ACCEPTED, { session, sequence: String(login.sequence).padStart(20) }, into, payload);
  return SOUP_HEADER + ACCEPTED_BYTES;
}

/** Reads a payload in [at, end). Undefined if it has another length or no number where one belongs. */
export function parseLoginRequest(
  bytes: Uint8Array,
  at: number,
  end: number,
): LoginRequest | undefined {
  if (end - at !== REQUEST_BYTES) return undefined;
  const login = parseFields(REQUEST, bytes, at);
  const sequence = parseSequence(login?.sequence);
  if (login === undefined || sequence === undefined) return undefined;
  return { ...login, session: login.session.trim(), sequence };
}

export function parseLoginAccepted(
  bytes: Uint8Array,
  at: number,
  end: number,
): LoginAccepted | undefined {
  if (end - at !== ACCEPTED_BYTES) return undefined;
  const login = parseFields(ACCEPTED, bytes, at);
  const sequence = parseSequence(login?.sequence);
  if (login === undefined || sequence === undefined) return undefined;
  return { session: login.session.trim(), sequence };
}

function parseSequence(text: string | undefined): number | undefined {
  if (text === undefined || !/^ *[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Takes a stream apart, however it is cut, and hands over each packet's payload in place. */
export class SoupReader {
  private readonly take: (type: number, bytes: Uint8Array, at: number, end: number) => void;
  private buffer = new Uint8Array(1024);
  private size = 0;

  constructor(take: (type: number, bytes: Uint8Array, at: number, end: number) => void) {
    this.take = take;
  }

  /** Takes what arrived in [at, end). False at a packet of no type: the stream makes no sense any more. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    this.append(bytes, at, end);
    let from = 0;
    while (this.size - from >= 2) {
      const length = (this.buffer[from]! << 8) | this.buffer[from + 1]!;
      if (length === 0) return false;
      const next = from + 2 + length;
      if (next > this.size) break;
      this.take(this.buffer[from + 2]!, this.buffer, from + SOUP_HEADER, next);
      from = next;
    }
    this.buffer.copyWithin(0, from, this.size);
    this.size -= from;
    return true;
  }

  private append(bytes: Uint8Array, at: number, end: number): void {
    const size = this.size + end - at;
    if (size > this.buffer.length) {
      const larger = new Uint8Array(2 * size);
      larger.set(this.buffer.subarray(0, this.size));
      this.buffer = larger;
    }
    this.buffer.set(bytes.subarray(at, end), this.size);
    this.size = size;
  }
}

const HEARTBEAT_AFTER = PS_PER_S;
const GONE_AFTER = 15 * PS_PER_S;

/** One side's view of a session: when it must be heard and when the other was, and the number reached. */
export class SoupSession {
  /** The number of the next sequenced packet, sent or expected. */
  sequence: number;
  private lastSent: Instant;
  private lastHeard: Instant;

  constructor(sequence: number, now: Instant) {
    this.sequence = sequence;
    this.lastSent = now;
    this.lastHeard = now;
  }

  sent(type: number, now: Instant): void {
    this.lastSent = now;
    if (type === SEQUENCED) this.sequence++;
  }

  heard(type: number, now: Instant): void {
    this.lastHeard = now;
    if (type === SEQUENCED) this.sequence++;
  }

  owesHeartbeat(now: Instant): boolean {
    return now - this.lastSent >= HEARTBEAT_AFTER;
  }

  peerIsGone(now: Instant): boolean {
    return now - this.lastHeard >= GONE_AFTER;
  }
}
