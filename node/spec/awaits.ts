/** What a core awaits at the end of a segment: its program goes on when that has come. */
export const AWAIT = {
  /** A call that is executed by the host: verbs, memory, the out-of-band network. */
  call: 1,
  /** One look at a completion queue. Argument 0: the queue's number, as for the two that follow. */
  poll: 2,
  /** An entry of a completion queue. */
  busyPoll: 3,
  /** A byte of memory that is no longer what it was. Arguments: physical address, and what it was. */
  watch: 4,
  /** A time (argument 0), asleep or at work. */
  idle: 5,
  busy: 6,
  /** The first of several: argument 0 says how many. */
  any: 7,
  /** A completion event of the queue with the number in argument 0. */
  event: 8,
  /** A value from the rank in argument 0. */
  hear: 9,
  /** Nothing: the program has ended, well or not. */
  exit: 10,
  fail: 11,
  /** The answer of a system call: see `SYSTEM`. */
  system: 12,
} as const;

/** What a core does that awaits each of them, for people; 0 is the beginning. */
export const AWAIT_WORDS = [
  'starts',
  'in a call',
  'in poll',
  'in busyPoll',
  'in watch',
  'in sleep',
  'in work',
  'in any',
  'for a completion event',
  'to hear from rank',
  'for its end',
  'for its end',
  'in a system call',
] as const;
