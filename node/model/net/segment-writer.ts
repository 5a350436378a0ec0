/** Writes TCP segments into frames: a connection's own, and resets of what belongs to none. */
import { PROTOCOL_TCP } from '../../../wire/ipv4.js';
import { emitTcp, newTcp, TCP_FLAG, TCP_LENGTH } from '../../../wire/tcp.js';
import {
  clearTcpOptions,
  emitTcpOptions,
  LARGEST_SACK,
  newTcpOptions,
  tcpOptionsLength,
} from '../../../wire/tcp-options.js';
import { PS_PER_MS } from '../../../units/time.js';
import type { Ipv4Output } from './ipv4-output.js';
import type { NetCounters } from './net-counters.js';
import type { TcpSegment } from './tcp-segment.js';
import type { TcpSocket } from './tcp-socket.js';

const SACK_BLOCK = 8;
const SACK_HEAD = 4;
const TIMESTAMP = 12;

export class SegmentWriter {
  private readonly output: Ipv4Output;
  private readonly counters: NetCounters;
  /** What an IP packet may hold of TCP, header and all. */
  private readonly room: number;
  private readonly tcp = newTcp();
  private readonly options = newTcpOptions();

  constructor(output: Ipv4Output, counters: NetCounters, room: number) {
    this.output = output;
    this.counters = counters;
    this.room = room;
  }

  /**
   * A segment with `length` bytes of the send ring from `offset` on. False if the device has no room for it, or the
   * neighbour is unknown: then the socket was told that it has to wait.
   */
  write(
    socket: TcpSocket,
    sequence: number,
    flags: number,
    offset: number,
    length: number,
    now: number,
  ): boolean {
    const { output, tcp, options } = this;
    const mac = socket.neighbour.mac;
    if (mac < 0) {
      socket.waitForNeighbour(now);
      return false;
    }
    this.fillOptions(socket, flags, length, now);
    const header = TCP_LENGTH + tcpOptionsLength(options);
    const { ipv4 } = socket.neighbour;
    if (!output.begin(mac, ipv4, PROTOCOL_TCP, header + length, socket.nextIdentification())) {
      socket.waitForRoom();
      return false;
    }
    const { receiver } = socket;
    tcp.sourcePort = socket.localPort;
    tcp.destinationPort = socket.remotePort;
    tcp.sequence = sequence;
    tcp.flags = flags;
    tcp.headerLength = header;
    const isSyn = (flags & TCP_FLAG.SYN) !== 0;
    if ((flags & TCP_FLAG.ACK) !== 0) {
      tcp.acknowledgment = receiver.next;
      tcp.window = isSyn ? receiver.window : receiver.offer();
    } else {
      tcp.acknowledgment = 0;
      tcp.window = isSyn ? receiver.window : 0;
    }
    const { at } = output;
    emitTcp(output.view, at, tcp);
    emitTcpOptions(output.view, at + TCP_LENGTH, options);
    if (length > 0) socket.sender.ring.copyOut(offset, output.bytes, at + header, length);
    this.counters.tcp_out_segments++;
    output.end(header, socket.id);
    return true;
  }

  private fillOptions(socket: TcpSocket, flags: number, length: number, now: number): void {
    const { options } = this;
    const { receiver } = socket;
    clearTcpOptions(options);
    const isSyn = (flags & TCP_FLAG.SYN) !== 0;
    options.timestamp = socket.hasTimestamps;
    if (options.timestamp) {
      options.timestampValue = (Math.floor(now / PS_PER_MS) + socket.timestampOffset) | 0;
      options.timestampEcho = (flags & TCP_FLAG.ACK) === 0 ? 0 : receiver.recentTimestamp;
    }
    if (isSyn) {
      options.mss = socket.largestSegment;
      options.sackPermitted = socket.hasSack;
      if (socket.hasScaling) options.scale = receiver.scale;
    } else if (socket.hasSack) this.fillSack(socket, length);
  }

  /** As many blocks as fit beside the data: a full segment has room for none. */
  private fillSack(socket: TcpSocket, length: number): void {
    const { early, duplicateFrom, duplicateTo } = socket.receiver;
    const { sack } = this.options;
    const taken = TCP_LENGTH + SACK_HEAD + (socket.hasTimestamps ? TIMESTAMP : 0) + length;
    const fitting = Math.floor((this.room - taken) / SACK_BLOCK);
    const most = Math.min(fitting, socket.hasTimestamps ? LARGEST_SACK - 1 : LARGEST_SACK);
    let blocks = 0;
    if (duplicateFrom !== duplicateTo && most > 0) {
      sack[0] = duplicateFrom;
      sack[1] = duplicateTo;
      blocks = 1;
      socket.receiver.duplicateFrom = duplicateTo;
    }
    for (let i = 0; i < early.count && blocks < most; i++, blocks++) {
      sack[blocks * 2] = early.start(i);
      sack[blocks * 2 + 1] = early.end(i);
    }
    this.options.sackBlocks = blocks;
  }

  /** The answer to a segment that belongs to no connection (RFC 9293 3.10.7.1). */
  reset(segment: TcpSegment, localPort: number, mac: number): void {
    if (segment.has(TCP_FLAG.RST)) return;
    const { output, tcp } = this;
    if (!output.begin(mac, segment.source, PROTOCOL_TCP, TCP_LENGTH, 0)) return;
    tcp.sourcePort = localPort;
    tcp.destinationPort = segment.header.sourcePort;
    tcp.headerLength = TCP_LENGTH;
    tcp.window = 0;
    if (segment.has(TCP_FLAG.ACK)) {
      tcp.sequence = segment.header.acknowledgment;
      tcp.acknowledgment = 0;
      tcp.flags = TCP_FLAG.RST;
    } else {
      tcp.sequence = 0;
      tcp.acknowledgment = segment.end;
      tcp.flags = TCP_FLAG.RST | TCP_FLAG.ACK;
    }
    emitTcp(output.view, output.at, tcp);
    this.counters.tcp_out_segments++;
    this.counters.tcp_out_resets++;
    output.end(TCP_LENGTH, -1);
  }
}
