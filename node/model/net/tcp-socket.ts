/** A TCP connection as its program has it: bytes in, bytes out, its ends. What segments do to it is in tcp-input.ts. */
import { TCP_FLAG } from '../../../wire/tcp.js';
import { PS_PER_MS } from '../../../units/time.js';
import type { NetErrno } from './errno.js';
import type { Neighbour, NeighbourWaiter } from './neighbour-table.js';
import type { TcpLayer } from './tcp-layer.js';
import type { TcpListener } from './tcp-listener.js';
import { TcpReceiver } from './tcp-receiver.js';
import { TcpSender } from './tcp-sender.js';
import type { Timed } from './timer-heap.js';
import type { RoomWaiter } from './room-queue.js';

export type TcpState =
  | 'CLOSED'
  | 'SYN_SENT'
  | 'SYN_RECEIVED'
  | 'ESTABLISHED'
  | 'FIN_WAIT_1'
  | 'FIN_WAIT_2'
  | 'CLOSING'
  | 'TIME_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK';

/** What a program learns when the call that caused it is over. */
const NOTICE = { READABLE: 1, WRITABLE: 2, CONNECTED: 4, FAILED: 8 } as const;

export class TcpSocket implements Timed, NeighbourWaiter, RoomWaiter {
  readonly kind = 'tcp';
  readonly id: number;
  readonly order: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly remoteIpv4: number;
  readonly neighbour: Neighbour;
  readonly sender: TcpSender;
  readonly receiver: TcpReceiver;
  /** The MSS that we announce: what a packet holds beside the two headers. */
  readonly largestSegment: number;
  readonly timestampOffset: number;
  /** Set on a connection that a listener has not handed out yet. */
  parent: TcpListener | undefined = undefined;
  state: TcpState = 'CLOSED';
  error: NetErrno | undefined = undefined;
  /** What both sides' SYNs have agreed on; until then, what ours offers. */
  hasTimestamps: boolean;
  hasSack: boolean;
  hasScaling: boolean;
  /** The program has closed it: nobody reads what comes. */
  isOrphan = false;
  /** In TIME_WAIT, and in FIN_WAIT_2 if it is an orphan: until when. Nobody waits for this moment: it is looked at. */
  lingersUntil = Infinity;
  /** It waits for room in the device, or for its neighbour's MAC. */
  waitsForRoom = false;
  waitsForNeighbour = false;
  deadline = Infinity;
  heapIndex = -1;
  lastChallenge = -Infinity;
  private readonly layer: TcpLayer;
  private identification: number;
  private notices = 0;
  private wantsRoom = false;
  private isShut = false;

  constructor(
    id: number,
    order: number,
    layer: TcpLayer,
    neighbour: Neighbour,
    localPort: number,
    remotePort: number,
    initial: number,
  ) {
    const { tuning, counters } = layer;
    this.id = id;
    this.order = order;
    this.layer = layer;
    this.neighbour = neighbour;
    this.localPort = localPort;
    this.remotePort = remotePort;
    this.remoteIpv4 = neighbour.ipv4;
    this.largestSegment = layer.largestSegment;
    this.timestampOffset = layer.random() | 0;
    this.identification = layer.random() & 0xffff;
    this.hasTimestamps = tuning.timestamps;
    this.hasSack = tuning.sack;
    this.hasScaling = tuning.windowScaling;
    this.receiver = new TcpReceiver(tuning, layer.largestSegment, counters);
    const congestion = layer.newCongestionControl();
    this.sender = new TcpSender(this, initial, {
      writer: layer.writer,
      tuning,
      counters,
      congestion,
    });
  }

  /** Queues bytes to be sent; how many were taken. Fewer than given: the buffer is full, and `writable` will follow. */
  send(bytes: Uint8Array, at: number, length: number, now: number): number {
    if (this.sendError !== undefined || length <= 0) return 0;
    const taken = Math.min(length, this.sender.room);
    if (taken < length) this.wantsRoom = true;
    if (taken === 0) return 0;
    this.sender.ring.append(bytes, at, taken);
    if (this.maySend) this.sender.output(now);
    this.settle();
    return taken;
  }

  /** Why nothing can be sent. */
  get sendError(): NetErrno | undefined {
    if (this.error !== undefined) return this.error;
    return this.isShut || this.state === 'CLOSED' ? 'EPIPE' : undefined;
  }

  get sendRoom(): number {
    return this.sendError === undefined ? this.sender.room : 0;
  }

  /**
   * Copies what has arrived; how much that was. The window that this opens is announced to the peer when it is worth a
   * segment.
   */
  receive(bytes: Uint8Array, at: number, length: number, now: number): number {
    const { receiver } = this;
    const count = receiver.read(bytes, at, length, now);
    if (count > 0 && this.mayReceive) {
      const isDue = receiver.acks.decideAfterRead(receiver.unacknowledged, receiver.readable === 0);
      if (isDue || receiver.isWorthAnUpdate) this.acknowledge(now);
      this.settle();
    }
    return count;
  }

  get readableBytes(): number {
    return this.receiver.readable;
  }

  /** Everything that the peer sends has been read: EOF. */
  get peerClosed(): boolean {
    return this.receiver.isEnded && this.receiver.readable === 0;
  }

  get isConnected(): boolean {
    return this.state !== 'CLOSED' && this.state !== 'SYN_SENT' && this.state !== 'SYN_RECEIVED';
  }

  setNoDelay(isOn: boolean, now: number): void {
    this.sender.noDelay = isOn;
    if (isOn && this.maySend) this.sender.output(now);
    this.settle();
  }

  setQuickAck(isOn: boolean, now: number): void {
    this.receiver.acks.alwaysQuick = isOn;
    if (isOn && this.receiver.acks.isPending) this.acknowledge(now);
    this.settle();
  }

  /** Nothing more will be sent; what the peer sends can still be read. */
  shutdown(now: number): void {
    if (this.isShut) return;
    this.isShut = true;
    this.sender.isEnding = true;
    if (this.state === 'ESTABLISHED') this.state = 'FIN_WAIT_1';
    else if (this.state === 'CLOSE_WAIT') this.state = 'LAST_ACK';
    // Before the handshake is over, the FIN waits for its end.
    else return;
    this.sender.output(now);
    this.settle();
  }

  /**
   * The program is done with it; what was queued is still sent. Unread data makes that a reset, as in Linux (RFC 2525
   * 2.17).
   */
  close(now: number): void {
    if (this.isOrphan) return;
    this.isOrphan = true;
    if (this.state === 'CLOSED') {
      this.layer.forget(this);
      return;
    }
    if (this.state === 'SYN_SENT') {
      this.end();
      return;
    }
    const isUnread = this.receiver.readable > 0 && this.state !== 'TIME_WAIT';
    if (isUnread || this.state === 'SYN_RECEIVED') {
      this.abort(now);
      return;
    }
    this.shutdown(now);
    // An orphan is not kept in FIN_WAIT_2 for good.
    if (this.state === 'FIN_WAIT_2') this.layer.linger(this, now);
    if (this.state === 'TIME_WAIT') this.receiver.clear();
  }

  /** Ends it at once, and says so to the peer. */
  abort(now: number): void {
    this.isOrphan = true;
    if (this.state !== 'SYN_SENT' && this.state !== 'TIME_WAIT' && this.state !== 'CLOSED') {
      this.reset(now);
    }
    this.end();
  }

  /** A reset with what we send next (RFC 9293 3.10.5). */
  reset(now: number): void {
    this.layer.counters.tcp_out_resets++;
    const flags = TCP_FLAG.RST | TCP_FLAG.ACK;
    this.layer.writer.write(this, this.sender.next, flags, 0, 0, now);
  }

  // What follows is called by the stack only.

  /** States in which data may leave. */
  get maySend(): boolean {
    switch (this.state) {
      case 'ESTABLISHED':
      case 'CLOSE_WAIT':
      case 'FIN_WAIT_1':
      case 'LAST_ACK':
      case 'CLOSING':
        return true;
      case 'CLOSED':
      case 'SYN_SENT':
      case 'SYN_RECEIVED':
      case 'FIN_WAIT_2':
      case 'TIME_WAIT':
        return false;
    }
  }

  get mayReceive(): boolean {
    return (
      this.state === 'ESTABLISHED' || this.state === 'FIN_WAIT_1' || this.state === 'FIN_WAIT_2'
    );
  }

  get isWaiting(): boolean {
    return this.waitsForRoom || this.waitsForNeighbour;
  }

  get synFlags(): number {
    return this.state === 'SYN_SENT' ? TCP_FLAG.SYN : TCP_FLAG.SYN | TCP_FLAG.ACK;
  }

  nextIdentification(): number {
    this.identification = (this.identification + 1) & 0xffff;
    return this.identification;
  }

  /** How old a timestamp of ours is, in ps; negative if it is none. */
  timestampAge(echo: number, now: number): number {
    const clock = (Math.floor(now / PS_PER_MS) + this.timestampOffset) | 0;
    return ((clock - echo) | 0) * PS_PER_MS;
  }

  /** An ACK without data, now. */
  acknowledge(now: number): void {
    this.layer.counters.tcp_pure_acks++;
    const { writer } = this.layer;
    if (!writer.write(this, this.sender.next, TCP_FLAG.ACK, 0, 0, now)) {
      this.receiver.acks.urge();
    }
  }

  /** The ACK that is pending leaves, or gets its deadline. */
  considerAck(now: number): void {
    const { receiver } = this;
    const isDue = receiver.acks.decide(receiver.unacknowledged, this.sender.rtt.smoothed, now);
    if (isDue && !this.isWaiting) this.acknowledge(now);
  }

  /** The handshake is over. */
  establish(): void {
    this.state = this.isShut ? 'FIN_WAIT_1' : 'ESTABLISHED';
    this.notices |= NOTICE.CONNECTED;
  }

  notifyReadable(): void {
    this.notices |= NOTICE.READABLE;
  }

  /** The connection is over because of `error`. */
  fail(error: NetErrno): void {
    this.error = error;
    this.notices |= NOTICE.FAILED | NOTICE.READABLE;
    this.end();
  }

  /** Nothing of the connection is left but what the program has not read. */
  end(): void {
    this.state = 'CLOSED';
    this.lingersUntil = Infinity;
    this.sender.clear();
    this.receiver.acks.isPending = false;
    this.receiver.acks.at = Infinity;
    if (this.isOrphan) this.receiver.clear();
    this.receiver.early.clear();
    this.layer.ended(this);
    this.settle();
  }

  /** Deadlines into the heap, and notices to the program: at the end of whatever was done. */
  settle(): void {
    // Averages have fractions, instants have none.
    const due = Math.ceil(Math.min(this.sender.retransmitAt, this.receiver.acks.at));
    this.layer.timers.set(this, due);
    if (this.wantsRoom && this.sender.room * 3 >= this.sender.limit && this.maySend) {
      this.wantsRoom = false;
      this.notices |= NOTICE.WRITABLE;
    }
    if (this.notices !== 0) this.tell();
  }

  private tell(): void {
    const { notices } = this;
    const { listener } = this.layer;
    this.notices = 0;
    if (this.isOrphan || this.parent !== undefined) return;
    if ((notices & NOTICE.CONNECTED) !== 0) listener.connected(this);
    if ((notices & NOTICE.FAILED) !== 0) listener.failed(this);
    if ((notices & NOTICE.READABLE) !== 0) listener.readable(this);
    if ((notices & NOTICE.WRITABLE) !== 0) listener.writable(this);
  }

  expire(now: number): void {
    const { sender, receiver, layer } = this;
    if (receiver.acks.at <= now) {
      receiver.acks.expired(sender.rtt.rto);
      receiver.acks.at = Infinity;
      layer.counters.tcp_delayed_acks++;
      if (!this.isWaiting) this.acknowledge(now);
    }
    if (sender.retransmitAt <= now && !sender.timedOut(this.retryLimit, now)) {
      layer.counters.tcp_abort_on_timeout++;
      this.fail('ETIMEDOUT');
      return;
    }
    this.settle();
  }

  private get retryLimit(): number {
    const { tuning } = this.layer;
    if (this.state === 'SYN_SENT') return tuning.synRetries;
    if (this.state === 'SYN_RECEIVED') return tuning.synAckRetries;
    return this.isOrphan ? tuning.orphanRetries : tuning.retries;
  }

  waitForRoom(): void {
    if (this.waitsForRoom) return;
    this.waitsForRoom = true;
    this.layer.room.wait(this);
  }

  waitForNeighbour(now: number): void {
    if (this.waitsForNeighbour) return;
    this.waitsForNeighbour = true;
    this.layer.awaitNeighbour(this.neighbour, this, now);
  }

  roomAgain(now: number): void {
    this.waitsForRoom = false;
    this.resume(now);
  }

  neighbourFound(now: number): void {
    this.waitsForNeighbour = false;
    this.resume(now);
  }

  neighbourLost(): void {
    this.waitsForNeighbour = false;
    // An established connection has its own timers to give up by.
    if (this.isOpening) this.fail('EHOSTUNREACH');
  }

  /** What could not leave is tried again. */
  private resume(now: number): void {
    const { sender, receiver } = this;
    if (this.state === 'CLOSED') return;
    if (sender.next === sender.una && this.isOpening) sender.sendSyn(this.synFlags, now);
    else sender.output(now);
    if (receiver.acks.isUrgent) this.considerAck(now);
    this.settle();
  }

  private get isOpening(): boolean {
    return this.state === 'SYN_SENT' || this.state === 'SYN_RECEIVED';
  }

  /** Our FIN, if it was sent, is acknowledged. */
  get isFinAcknowledged(): boolean {
    return this.sender.finSent && this.sender.una === this.sender.next;
  }
}
