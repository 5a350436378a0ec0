/**
 * Challenge and response: the two ends of a connection show each other that they know the cluster's token, which never
 * travels itself, nor does anything that tells it. On one connection, by HTTP (RFC 9110, 11):
 *
 *     caller  GET /control      Authorization: Pinwire
 *     door    401               WWW-Authenticate: Pinwire nonce="N"
 *     caller  GET /control      Upgrade: websocket
 *                               Authorization: Pinwire nonce="N", cnonce="C", proof="..."
 *     door    101               Pinwire-Proof: ...
 *
 * A proof is HMAC-SHA256(token, "pinwire/1 " role NUL path NUL N NUL C NUL channel). The door keeps N with the
 * connection, and takes one answer to it: a proof is worth nothing on another connection, path or door. `channel` is
 * what TLS exports of its session (RFC 9266), empty without TLS: who sits between two TLS sessions cannot pass a proof
 * on.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

const SCHEME = 'Pinwire';
const PROTOCOL = 'pinwire/1';
const CHANNEL_BYTES = 32;
const CHANNEL_LABEL = 'EXPORTER-Channel-Binding';

/** With it a caller asks for a challenge. */
export const ASKS_FOR_CHALLENGE = SCHEME;
/** The header of the door's own proof. */
export const DOOR_PROOF = 'Pinwire-Proof';

/** 32 bytes in base64url, as are proofs. */
const VALUE = '[A-Za-z0-9_-]{43}';
const CHALLENGE = new RegExp(`^${SCHEME} nonce="(${VALUE})"$`);
const ANSWER = new RegExp(
  `^${SCHEME} nonce="(${VALUE})", cnonce="(${VALUE})", proof="(${VALUE})"$`,
);

/** What both ends have seen of the connection. */
export interface Exchange {
  readonly path: string;
  /** The door's. */
  readonly nonce: string;
  /** The caller's. */
  readonly cnonce: string;
  readonly channel: string;
}

export interface Answer {
  readonly nonce: string;
  readonly cnonce: string;
  readonly proof: string;
}

export const randomNonce = (): string => randomBytes(32).toString('base64url');

export const printChallenge = (nonce: string): string => `${SCHEME} nonce="${nonce}"`;

/** The nonce, or undefined if it is no challenge of ours. */
export const parseChallenge = (header: string): string | undefined => CHALLENGE.exec(header)?.[1];

export const printAnswer = ({ nonce, cnonce, proof }: Answer): string =>
  `${SCHEME} nonce="${nonce}", cnonce="${cnonce}", proof="${proof}"`;

export function parseAnswer(header: string): Answer | undefined {
  const found = ANSWER.exec(header);
  return found === null ? undefined : { nonce: found[1]!, cnonce: found[2]!, proof: found[3]! };
}

/** The proof of one end that it knows the token. */
export function prove(token: string, role: 'caller' | 'door', exchange: Exchange): string {
  const { path, nonce, cnonce, channel } = exchange;
  return createHmac('sha256', token)
    .update([`${PROTOCOL} ${role}`, path, nonce, cnonce, channel].join('\0'))
    .digest('base64url');
}

/** Whether two proofs are the same; the time it takes tells nothing. */
export function isSameProof(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** What only the two ends of this TLS session know; empty without TLS. */
export function channelOf(socket: Duplex): string {
  if (!(socket instanceof TLSSocket)) return '';
  return socket
    .exportKeyingMaterial(CHANNEL_BYTES, CHANNEL_LABEL, Buffer.alloc(0))
    .toString('base64url');
}
