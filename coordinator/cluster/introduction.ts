/**
 * A connection whose first message says who it is: a client's hello, a machine's offer. A peer that says something else
 * first, or nothing in time, or that falls silent later, is dropped.
 */
import type { WebSocket } from 'ws';
import { watchHeartbeat } from '../../node/door/heartbeat.js';
import { PeerConnection } from './peer-connection.js';

/** A connection that has not introduced itself by then is dropped. */
const INTRODUCTION_MS = 10_000;

export interface Reception<
  Incoming extends object,
  First extends Incoming,
  Outgoing extends object,
  Guest extends object,
> {
  readonly parse: (value: unknown) => Incoming | string;
  /** Whether a message is an introduction. */
  readonly introduces: (message: Incoming) => message is First;
  /** The reason for dropping a peer that does not introduce itself. */
  readonly missing: string;
  /** An introduction: the guest, or undefined when it has been refused. */
  readonly greet: (first: First, connection: PeerConnection<Outgoing>) => Guest | undefined;
  /** Any later message of a guest. */
  readonly heard: (guest: Guest, message: Incoming) => void;
  /** A guest's connection is gone; `reason` says why if it was the guest's fault. */
  readonly lost: (guest: Guest, reason: string | undefined) => void;
  /** A connection is gone that was never a guest's. */
  readonly stranger: () => void;
}

/** Takes over the socket of a peer that has dialled. */
export function receiveGuest<
  Incoming extends object,
  First extends Incoming,
  Outgoing extends object,
  Guest extends object,
>(socket: WebSocket, reception: Reception<Incoming, First, Outgoing, Guest>): void {
  let guest: Guest | undefined;
  const connection: PeerConnection<Outgoing> = PeerConnection.over(socket, reception.parse, {
    heard: (message) => {
      if (guest !== undefined) reception.heard(guest, message);
      else if (reception.introduces(message)) guest = reception.greet(message, connection);
      else connection.drop(reception.missing);
    },
    closed: (reason) => {
      clearTimeout(late);
      heartbeat.stop();
      if (guest === undefined) reception.stranger();
      else reception.lost(guest, reason);
    },
  });
  const late = setTimeout(() => {
    if (guest === undefined) connection.drop(reception.missing);
  }, INTRODUCTION_MS);
  const heartbeat = watchHeartbeat(socket, (reason) => connection.drop(reason));
}
