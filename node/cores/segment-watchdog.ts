/**
 * Finds a segment that never ends although it keeps the host's own thread busy: a program that computes, or awaits
 * promises of its own, endlessly. Nothing in this thread could notice, so another thread does
 * (`watchdog-thread.ts`).
 *
 * Host and thread share a few words of memory: how many segments have begun and ended, so that an odd count is a
 * segment under way, whose the last one is, what the count was when the thread ended a segment, and after how many ms
 * it does.
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { SegmentError } from '../program/segment-error.js';
import { hasDebugger } from './attached-debugger.js';

/** The words that a host and its watchdog share. */
export const WATCHED = { turns: 0, host: 1, core: 2, ended: 3, limit: 4, words: 5 } as const;

/** When a program that awaits nothing is reported, in wall time. When it is ended, the run says. */
export const TELL_MS = 10_000;

/** What the watchdog's thread says when it has ended a segment: where the program was. */
export interface EndlessSegment {
  readonly message: string;
  readonly stack: string;
}

export const endlessText = (whose: string, seconds: number, where: string): string =>
  `a segment of ${whose} has run for ${seconds} s without awaiting the emulator, at ${where}`;

/** The same while it runs on, for standard error. */
export const longText = (text: string, limit: number): string =>
  limit === 0 ? text : `${text}; it will be ended after ${limit / 1000} s (--segment-limit)`;

/** A thread can only be started from built code. Sources run where tests bring their own time limits. */
const isBuilt = import.meta.url.endsWith('.js');
/** How long a run that was told may take to fail before the process does. */
const GRACE_MS = 2000;

let ofThisProcess: SegmentWatchdog | undefined;

export class SegmentWatchdog {
  private readonly shared = new Int32Array(new SharedArrayBuffer(WATCHED.words * 4));
  private giveUp: ((error: SegmentError) => void) | undefined = undefined;

  /** The one of this process, started with the first call. In a thread other than the main one it watches nothing. */
  static get(): SegmentWatchdog {
    ofThisProcess ??= new SegmentWatchdog();
    return ofThisProcess;
  }

  private constructor() {
    // None, and not the segment before the first.
    this.shared[WATCHED.ended] = -1;
    if (!isBuilt || !isMainThread || hasDebugger()) return;
    const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), {
      workerData: this.shared.buffer,
      // What the process was started with is its own: some of it, as --input-type, no thread can take.
      execArgv: [],
    });
    thread.on('message', (endless: EndlessSegment) => {
      this.end(endless);
    });
    thread.unref();
  }

  /** From now on segments are ended after `ms` of wall time; 0 for never. */
  limit(ms: number): void {
    this.shared[WATCHED.limit] = ms;
  }

  /** A segment of `core` begins; `giveUp` is called if it had to be ended. */
  segmentBegins(host: number, core: number, giveUp: (error: SegmentError) => void): void {
    const { shared } = this;
    shared[WATCHED.host] = host;
    shared[WATCHED.core] = core;
    shared[WATCHED.turns]!++;
    this.giveUp = giveUp;
  }

  segmentEnds(): void {
    this.shared[WATCHED.turns]!++;
  }

  /** The segment that runs last has been ended: its code is gone, and whatever runs now is not the program's. */
  get hasEnded(): boolean {
    return this.shared[WATCHED.ended] === this.shared[WATCHED.turns];
  }

  private end({ message, stack }: EndlessSegment): void {
    if (!this.hasEnded) return;
    const turn = this.shared[WATCHED.ended];
    const error = new SegmentError(message);
    error.stack = `${error.name}: ${message}\n${stack}`;
    this.giveUp!(error);
    // If what would have gone on was ended with the segment, nobody is left to hear of it.
    setTimeout(() => {
      if (this.shared[WATCHED.turns] === turn) throw error;
    }, GRACE_MS).unref();
  }
}
