/**
 * System calls that may block: their numbers and those of what they name, as program and kernel both know them. A call
 * is up to seven numbers and no text; its answer is one, and below 0 it is an errno's negative.
 */

/** Call numbers: argument 0. */
export const SYSTEM = {
  /** Argument 1: {@link SOCKET_KIND}; argument 2: local port or 0. Answers a descriptor. */
  socket: 1,
  /** Argument 1: descriptor; argument 4: IPv4 address; argument 5: port. */
  connect: 2,
  /** Argument 1: descriptor; argument 2: backlog. */
  listen: 3,
  /** Argument 1: descriptor. Answers a descriptor, and the peer's address and port. */
  accept: 4,
  /** Argument 1: descriptor; 2 and 3: address and length; 4 and 5: the address and port that a datagram goes to. */
  send: 5,
  /** As send. Answers bytes, and the datagram's source. */
  receive: 6,
  close: 7,
  /** Argument 1: descriptor; argument 2: {@link SOCKET_OPTION}; argument 3: value. */
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

/** Argument 6 of send and receive. */
export const MESSAGE_FLAG = { dontWait: 1 } as const;
