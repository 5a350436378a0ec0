/**
 * System calls that may block, as a core makes them: number and arguments in cells of its page, no text. An answer below 0 is
 * an errno's negative. What both sides of the page must know of them is here.
 */
import type { ChainTable } from '../../../sim/chain.js';
import type { CorePage } from './core-page.js';

/** Call numbers: argument0. */
export const SYSTEM = {
  /** argument1: {@link SOCKET_KIND}; argument2: local port or 0. Answers a descriptor. */
  socket: 1,
  /** argument1: descriptor; argument4: IPv4 address; argument5: port. */
  connect: 2,
  /** argument1: descriptor; argument2: backlog. */
  listen: 3,
  /** argument1: descriptor. Answers a descriptor; result1, result2: the peer's address and port. */
  accept: 4,
  /** argument1: descriptor; argument2, argument3: address and length; argument4, argument5: to whom, for datagrams. */
  send: 5,
  /** As send. Answers bytes; result1, result2: the datagram's source. */
  receive: 6,
  close: 7,
  /** argument1: descriptor; argument2: {@link SOCKET_OPTION}; argument3: value. */
  setOption: 8,
} as const;

export const SOCKET_KIND = { udp: 1, tcp: 2 } as const;

export const SOCKET_OPTION = {
  /** TCP_NODELAY. */
  noDelay: 1,
  /** SO_BUSY_POLL: 0 or 1. */
  busyPoll: 2,
  /** IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP: the group's address. */
  join: 3,
  leave: 4,
} as const;

/** argument6 of send and receive. */
export const MESSAGE_FLAG = { dontWait: 1 } as const;

/** A core that makes a system call. */
export interface SystemCaller {
  readonly index: number;
  readonly process: number;
  readonly page: CorePage;
  /** When the call was made. */
  readonly since: number;
  /** It has to wait: its core is free for others. */
  block(at: number): void;
  /** It goes on, and has the core again. */
  unblock(at: number): void;
  /** Goes on with the operation in row `row` of `chains`, unless its own part of it came later. */
  adopt(chains: ChainTable, row: number): void;
  systemCallReturns(at: number): void;
  /** What it waits for of descriptor `fd` with others is there. */
  descriptorReady(fd: number, chains: ChainTable, row: number): void;
}

export interface SystemCalls {
  /** The call on the caller's page, at the scheduler's time. */
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
