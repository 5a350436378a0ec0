/** The TCP or TLS stream under a WebSocket: `ws` keeps it to itself, and counts no bytes. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Undefined when the socket has closed. */
export const streamOf = (socket: WebSocket): Socket | undefined =>
  (socket as unknown as { readonly _socket?: Socket | null })._socket ?? undefined;
