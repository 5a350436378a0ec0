/** Who is dropped of the admitted, where the process that looks is itself away for a while. */
import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { DOOR_LIMITS } from '../../../node/door/door-limits.js';
import { Traffic } from '../../../node/door/traffic.js';

/** A connection on which so much waits, and of which the other end takes what the test says. */
class Backlog extends EventEmitter {
  bufferedAmount = 4 << 20;
  readonly _socket = { bytesWritten: 0, writableLength: 0 };
  isTerminated = false;

  terminate(): void {
    this.isTerminated = true;
  }
}

test('a process that computes for minutes takes nobody for stalled meanwhile, and afterwards who is', () => {
  vi.useFakeTimers();
  try {
    const traffic = new Traffic(DOOR_LIMITS, () => undefined);
    const [reader, stalled] = [new Backlog(), new Backlog()];
    for (const each of [reader, stalled]) {
      traffic.watch(each as unknown as WebSocket, { messagesPerSecond: 1, maxBacklog: 64 << 20 });
    }
    vi.advanceTimersByTime(1_000);
    // Nothing is looked at for two minutes, and timers come before what the kernel tells of sockets.
    const faked = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => faked() + 120_000);
    vi.advanceTimersByTime(1_000);
    expect([reader.isTerminated, stalled.isTerminated]).toEqual([false, false]);
    reader._socket.bytesWritten += 65_536;
    vi.advanceTimersByTime(57_000);
    expect([reader.isTerminated, stalled.isTerminated]).toEqual([false, false]);
    vi.advanceTimersByTime(3_000);
    expect([reader.isTerminated, stalled.isTerminated]).toEqual([false, true]);
    clock.mockRestore();
    traffic.stop();
  } finally {
    vi.useRealTimers();
  }
});
