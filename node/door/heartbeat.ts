/**
 * Heartbeats of a WebSocket between processes that do nothing else and so always answer. Each end pings, and each takes
 * a peer for lost from which no byte has come for too long. Bytes, not messages: one that takes a minute on a slow link
 * is a sign of life all the while.
 */
import type { WebSocket } from 'ws';
import { streamOf } from './stream-of.js';

/** A peer that is silent for so long is lost. */
const SILENCE_MS = 5_000;
/** In one silence; one lost or late ping is no reason. */
const PINGS = 5;

export interface Heartbeat {
  stop(): void;
}

/** Pings the peer and calls `lost`, once, when nothing has come from it for `silenceMs`. It ends with the socket. */
export function watchHeartbeat(
  socket: WebSocket,
  lost: (reason: string) => void,
  silenceMs = SILENCE_MS,
): Heartbeat {
  const interval = silenceMs / PINGS;
  let bytes = streamOf(socket)?.bytesRead ?? 0;
  let heardAt = performance.now();
  let dueAt = heardAt + interval;
  const timer = setInterval(() => {
    const now = performance.now();
    // While this process was stopped or busy, the peer's bytes waited.
    heardAt += Math.max(0, now - dueAt);
    dueAt = now + interval;
    const total = streamOf(socket)?.bytesRead ?? bytes;
    if (total !== bytes) {
      bytes = total;
      heardAt = now;
    }
    if (now - heardAt > silenceMs) {
      stop();
      lost(`was silent for ${silenceMs / 1000} s`);
    } else if (socket.readyState === socket.OPEN) {
      socket.ping();
    }
  }, interval);
  const stop = (): void => clearInterval(timer);
  socket.once('close', stop);
  return { stop };
}
