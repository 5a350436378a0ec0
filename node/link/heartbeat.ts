/** Heartbeats of a WebSocket between processes that do nothing else: a peer that is silent for too long is lost. */
import type { WebSocket } from 'ws';

const PING_MS = 1_000;
/** A peer that is silent for so long is lost. */
export const SILENCE_MS = 5_000;

export interface Heartbeat {
  stop(): void;
}

/** Pings the peer and calls `lost`, once, when nothing has come from it for {@link SILENCE_MS}. Both ends may watch. */
export function watchHeartbeat(socket: WebSocket, lost: (reason: string) => void): Heartbeat {
  let heardAt = performance.now();
  const heard = (): void => {
    heardAt = performance.now();
  };
  for (const event of ['ping', 'pong', 'message'] as const) socket.on(event, heard);
  const timer = setInterval(() => {
    if (performance.now() - heardAt > SILENCE_MS) {
      clearInterval(timer);
      lost(`was silent for ${SILENCE_MS / 1000} s`);
    } else if (socket.readyState === socket.OPEN) {
      socket.ping();
    }
  }, PING_MS);
  return { stop: () => clearInterval(timer) };
}
