/**
 * What goes over the admitted connections of a door: who sends more messages than anybody has reason to is dropped at
 * once, before it keeps the process from everybody else; who leaves lying what it is sent when it is looked at, once a
 * second.
 */
import type { WebSocket } from 'ws';
import type { DoorLimits } from './door-limits.js';
import { streamOf, takenBytes } from './stream-of.js';

/** Why an admitted connection was dropped. */
export type Offence = 'flood' | 'backlog';

interface Watched {
  readonly socket: WebSocket;
  readonly perSecond: number;
  readonly maxBacklog: number;
  /** Since the last look. */
  messages: number;
  /** How many more it may send at once. */
  allowance: number;
  /** What the other end has taken, and when that last grew. */
  taken: number;
  takenAt: number;
}

export interface TrafficRules {
  /** Infinity: the receiver bounds the messages, and they are not counted here. */
  readonly messagesPerSecond: number;
  /** More bytes than that never wait for the other end. */
  readonly maxBacklog: number;
}

export class Traffic {
  private readonly limits: DoorLimits;
  private readonly drop: (offence: Offence) => void;
  private readonly all = new Set<Watched>();
  private timer: NodeJS.Timeout | undefined;
  private lookedAt = 0;

  constructor(limits: DoorLimits, drop: (offence: Offence) => void) {
    this.limits = limits;
    this.drop = drop;
  }

  watch(socket: WebSocket, { messagesPerSecond, maxBacklog }: TrafficRules): void {
    const watched: Watched = {
      ...{ socket, perSecond: messagesPerSecond, maxBacklog },
      ...{ messages: 0, allowance: messagesPerSecond * this.limits.burstSeconds },
      ...{ taken: 0, takenAt: performance.now() },
    };
    if (messagesPerSecond < Infinity) {
      const count = (): void => {
        if (++watched.messages > watched.allowance) this.offend(watched, 'flood');
      };
      for (const event of ['message', 'ping', 'pong'] as const) socket.on(event, count);
    }
    socket.once('close', () => {
      this.all.delete(watched);
      if (this.all.size === 0) this.stop();
    });
    this.all.add(watched);
    if (this.timer !== undefined) return;
    this.lookedAt = performance.now();
    this.timer = setInterval(() => this.look(), this.limits.lookMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    const now = performance.now();
    const sinceLast = now - this.lookedAt;
    const seconds = sinceLast / 1000;
    // While this process computed it did not see what the others took.
    const blind = Math.max(0, sinceLast - this.limits.lookMs);
    this.lookedAt = now;
    for (const watched of this.all) {
      watched.takenAt += blind;
      this.renew(watched, seconds);
      if (this.stalls(watched, now)) this.offend(watched, 'backlog');
    }
  }

  /** Once: what lay in its buffer is counted on, and it is gone already. */
  private offend(watched: Watched, offence: Offence): void {
    if (!this.all.delete(watched)) return;
    this.drop(offence);
    watched.socket.terminate();
  }

  private renew(watched: Watched, seconds: number): void {
    const { perSecond, messages } = watched;
    if (perSecond === Infinity) return;
    const left = watched.allowance - messages + perSecond * seconds;
    watched.allowance = Math.min(perSecond * this.limits.burstSeconds, left);
    watched.messages = 0;
  }

  private stalls(watched: Watched, now: number): boolean {
    const { socket, maxBacklog } = watched;
    const waiting = socket.bufferedAmount;
    const stream = streamOf(socket);
    const taken = stream === undefined ? 0 : takenBytes(stream);
    if (waiting <= this.limits.stalledBytes || taken !== watched.taken) {
      watched.taken = taken;
      watched.takenAt = now;
    }
    return waiting > maxBacklog || now - watched.takenAt > this.limits.stallMs;
  }
}
