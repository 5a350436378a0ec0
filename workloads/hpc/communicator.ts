/**
 * Messages between ranks: MPI's point-to-point calls, blocking, with tags. Messages from one rank with one tag are
 * received in the order in which they were sent. Over verbs and over sockets alike; what an operation's algorithm is
 * does not depend on it.
 */
import type { Core, MemoryRegion } from '../../node/program/verbs.js';

/** Memory to send from or receive into. */
export interface MessageBuffer {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly length: number;
}

export interface Communicator {
  readonly rank: number;
  readonly size: number;
  readonly core: Core;
  /** Messages and bytes of data that this rank has sent. */
  readonly messagesSent: number;
  readonly bytesSent: number;
  /** Memory that messages can be sent from and received into. */
  allocate(length: number): Promise<MemoryRegion>;
  /**
   * Connects to those of `ranks` that this one is not connected to yet. They must name this rank in a call of theirs.
   */
  connect(ranks: Iterable<number>): Promise<void>;
  /** MPI_Send. Returns when `buffer` may be used again. */
  send(buffer: MessageBuffer, to: number, tag: number): Promise<void>;
  /** MPI_Recv from one rank: answers how many bytes came. A message longer than `buffer` is an error. */
  recv(buffer: MessageBuffer, from: number, tag: number): Promise<number>;
  /** MPI_Sendrecv: both at once, so that two ranks, or a ring of them, may exchange messages of any length. */
  sendrecv(
    outgoing: MessageBuffer,
    to: number,
    sendTag: number,
    incoming: MessageBuffer,
    from: number,
    recvTag: number,
  ): Promise<number>;
  /** MPI_Finalize: returns when everything that this rank and its peers have sent has been received. */
  close(): Promise<void>;
}

/** MPI_ERR_TRUNCATE: rank `rank` was sent more than it has room for. */
export function requireRoom(
  rank: number,
  peer: number,
  length: number,
  buffer: MessageBuffer,
): void {
  if (length <= buffer.length) return;
  throw new RangeError(
    `rank ${rank}: a message of ${length} bytes from rank ${peer} is longer than the buffer ` +
      `of ${buffer.length} bytes (MPI_ERR_TRUNCATE)`,
  );
}
