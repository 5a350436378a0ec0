/** A kernel's system calls as the cores that make them see them, and a core as its kernel sees it. */
import type { ChainTable } from '../../../sim/chain.js';

/** A core that makes a system call. */
export interface SystemCaller {
  readonly index: number;
  readonly process: number;
  /** The core's present operation is row `operationRow` of these. */
  readonly chains: ChainTable;
  readonly operationRow: number;
  /** When the call was made. */
  readonly since: number;
  /** Argument `index`, 0 to 6, of the call: see `SYSTEM`. */
  argument(index: number): number;
  /** Whom the answer is about: who connected, or sent the datagram. */
  answerPeer(ipv4: number, port: number): void;
  /** It has to wait: its core is free for others. */
  block(at: number): void;
  /** It goes on, and has the core again. */
  unblock(at: number): void;
  /** Goes on with the operation in row `row` of `chains`, unless its own part of it came later. */
  adopt(chains: ChainTable, row: number): void;
  /** The call answers `result` at `at`. */
  systemCallReturns(at: number, result: number): void;
  /** What it waits for of descriptor `fd` with others is there. */
  descriptorReady(fd: number, chains: ChainTable, row: number): void;
}

export interface SystemCalls {
  /** The call that the caller's arguments say, at the scheduler's time. */
  call(caller: SystemCaller): void;
  /** Whether a receive or accept on `fd` would not block. */
  ready(caller: SystemCaller, fd: number): boolean;
  /** Whether waiting for `fd` is done by polling. */
  polls(caller: SystemCaller, fd: number): boolean;
  /** The caller waits for `fd` among other things, until {@link cancel}. */
  watch(caller: SystemCaller, fd: number): void;
  cancel(caller: SystemCaller): void;
  /** The program of this core is over. */
  release(caller: SystemCaller): void;
}
