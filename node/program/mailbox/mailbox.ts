/**
 * The host's side of a core's mailbox: what a program has to say to its host at the end of a segment, and what the host
 * answers. Host and kernel know no more than this of how a program runs: it may be in the same thread, in a worker
 * behind a page of shared memory, or in a process at the other end of a pipe.
 *
 * A segment's messages are its doorbells in the order they were rung, then one {@link Wait}, which ends it. The host
 * takes them, executes what they ask for at virtual times of its own, writes its answer, and has the core resume.
 */
import type { ChainTable } from '../../../sim/chain.js';
import type { Doorbell } from '../../model/nic/doorbell.js';

/** The segment is over: what the core waits for. */
export interface Wait {
  readonly type: 'wait';
  /** One of `AWAIT`. */
  awaits: number;
  /** The core's local time, in ps. */
  time: number;
}

export interface Mailbox {
  /** The core's present operation is row `operationRow` of these. */
  readonly chains: ChainTable;
  readonly operationRow: number;

  /**
   * The next message of the segment that ended. It is a record of the mailbox's own: it holds until the next is taken,
   * and a doorbell's row is one of {@link chains} until then. After the wait there is none before the core has resumed
   * and is back.
   */
  take(): Doorbell | Wait;

  /** Argument `index`, 0 to 6, of the wait that was taken last. */
  argument(index: number): number;
  /** What alternative `index` of `AWAIT.any` awaits, and an argument of it. */
  alternative(index: number): number;
  alternativeArgument(index: number, argument: 0 | 1): number;
  /** The call that `AWAIT.call` waits for. */
  request(): { readonly name: string; readonly args: unknown };

  /** Answers a call, or hands over a value that the core hears. False when it is too long for this mailbox. */
  answer(value: unknown): boolean;
  /** Answers `AWAIT.any`: alternative `index` has come. */
  answerAlternative(index: number): void;
  /** Answers a system call: a number of 0 or more, or an errno's negative. */
  answerSystemCall(result: number): void;
  /** Whom a system call's answer is about. */
  answerPeer(ipv4: number, port: number): void;

  /** The core goes on at `time`, once its runtime resumes it; all answers are given by then. */
  resume(time: number): void;
}
