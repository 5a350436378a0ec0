/** The largest message that a WebSocket takes: `ws` fixes it when a socket is made, but reads it at every frame. */
import type { WebSocket } from 'ws';

/** A longer message, however it is divided, closes the socket with 1009 from now on. */
export function limitMessages(socket: WebSocket, bytes: number): void {
  const { _receiver: receiver } = socket as unknown as { _receiver?: { _maxPayload?: number } };
  // Gone with the socket; but a `ws` that keeps it elsewhere would leave everybody without a limit.
  if (receiver?._maxPayload !== undefined) receiver._maxPayload = bytes;
  else if (socket.readyState === socket.OPEN) throw new Error('ws: no limit of a message');
}
