/** The TCP or TLS stream under a WebSocket: `ws` keeps it to itself, and counts no bytes. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Undefined when the socket has closed. */
export const streamOf = (socket: WebSocket): Socket | undefined =>
  (socket as unknown as { readonly _socket?: Socket | null })._socket ?? undefined;

/**
 * A number that changes whenever the other end takes something. A stream counts whole writes; how much of the one under
 * way is out, its handle knows, as Node's own timeouts use it.
 */
export function takenBytes(stream: Socket): number {
  const handle = (stream as unknown as { readonly _handle?: { readonly writeQueueSize?: number } })
    ._handle;
  return stream.bytesWritten - stream.writableLength - (handle?.writeQueueSize ?? 0);
}
