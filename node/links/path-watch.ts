/**
 * Finds the links of a mesh that are dead without a word, as when two machines can reach the coordinator and not each
 * other. A process that computes answers nobody, but its machine does: the kernel completes a TCP handshake by itself.
 * So when nothing has come from any link for a while, each is tried with a new connection, and one whose machine does
 * not answer is lost; one that is merely busy is tried less and less often.
 */
import { connect, type Socket } from 'node:net';
import { endpointOf } from '../door/endpoint.js';

export interface PathTimes {
  readonly lookMs: number;
  /** From nobody anything for so long, and paths are tried. */
  readonly silenceMs: number;
  /** So long a machine has to answer: a lost packet is sent again after one second, and after three. */
  readonly answerMs: number;
}

// A machine that is cut off from everybody is silent to the coordinator too, which names it sooner (`heartbeat.ts`).
const TIMES: PathTimes = { lookMs: 1_000, silenceMs: 8_000, answerMs: 5_000 };
/** In a large cluster a process that computes for long is no reason for all others to try each other at once. */
const MOST_AT_ONCE = 8;
/** The machine answered, or something on the way did for it: there is a way. */
const ANSWERS: readonly (string | undefined)[] = ['ECONNREFUSED', 'ECONNRESET'];

export interface WatchedPaths {
  /** By process, `ws://host:port` or `wss://host:port`. */
  readonly addresses: readonly string[];
  /** Bytes that have come from it; undefined where there is no link. */
  bytesFrom(process: number): number | undefined;
  lost(process: number, reason: string): void;
}

export class PathWatch {
  private readonly paths: WatchedPaths;
  private readonly times: PathTimes;
  private readonly timer: NodeJS.Timeout;
  /** Tries under way, by process. */
  private readonly tries = new Map<number, Socket>();
  /** By process: when it is to be tried next, and how long after that again. Connections that nobody accepts add up. */
  private readonly tryAt: Float64Array;
  private readonly pause: Float64Array;
  private bytes = -1;
  private heardAt = performance.now();
  private dueAt: number;

  /** Watches until it is stopped. */
  constructor(paths: WatchedPaths, times: PathTimes = TIMES) {
    this.paths = paths;
    this.times = times;
    this.tryAt = new Float64Array(paths.addresses.length);
    this.pause = new Float64Array(paths.addresses.length);
    this.dueAt = this.heardAt + times.lookMs;
    this.timer = setInterval(() => this.look(), times.lookMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const socket of this.tries.values()) socket.destroy();
    this.tries.clear();
  }

  private look(): void {
    const { addresses } = this.paths;
    const { lookMs, silenceMs } = this.times;
    const now = performance.now();
    // While this process computed, what came for it waited.
    this.heardAt += Math.max(0, now - this.dueAt);
    this.dueAt = now + lookMs;
    let bytes = 0;
    for (const process of addresses.keys()) bytes += this.paths.bytesFrom(process) ?? 0;
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.heardAt = now;
      this.tryAt.fill(0);
      this.pause.fill(silenceMs);
    }
    if (now - this.heardAt < silenceMs) return;
    const due = [...addresses.keys()].filter(
      (process) => this.paths.bytesFrom(process) !== undefined && this.tryAt[process]! <= now,
    );
    for (const process of due.slice(0, MOST_AT_ONCE - this.tries.size)) this.try(process, now);
  }

  private try(process: number, now: number): void {
    if (this.tries.has(process)) return;
    this.tryAt[process] = now + this.pause[process]!;
    this.pause[process]! *= 2;
    const socket = connect({ ...endpointOf(new URL(this.paths.addresses[process]!)) });
    this.tries.set(process, socket);
    const before = this.paths.bytesFrom(process);
    const ended = (answer: string | undefined): void => {
      clearTimeout(late);
      socket.destroy();
      if (!this.tries.delete(process) || answer === undefined) return;
      if (this.paths.bytesFrom(process) !== before) return;
      this.paths.lost(process, `silent, and its machine cannot be reached (${answer})`);
    };
    const { answerMs } = this.times;
    const late = setTimeout(() => ended(`no answer within ${answerMs / 1000} s`), answerMs);
    socket.once('connect', () => ended(undefined));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      ended(ANSWERS.includes(code) ? undefined : code);
    });
    socket.once('close', () => ended(undefined));
  }
}
