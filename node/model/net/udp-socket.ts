/** A UDP socket: datagrams in and out, groups joined, a receive buffer with a limit. Datagrams are not fragmented. */
import { emitUdp, newUdp, UDP_LENGTH } from '../../../wire/udp.js';
import { PROTOCOL_UDP } from '../../../wire/ipv4.js';
import { ByteRing } from './byte-ring.js';
import { copyBytes } from './copy-bytes.js';
import type { NetErrno } from './errno.js';
import { isMulticast } from './ipv4-address.js';
import type { Neighbour, NeighbourWaiter } from './neighbour-table.js';
import type { UdpLayer } from './udp-layer.js';

/** net.core.rmem_default, and what Linux charges to it for a datagram besides its bytes: its sk_buff. */
const RECEIVE_BUFFER = 212_992;
const DATAGRAM_OVERHEAD = 768;
/** Datagrams that wait for one neighbour's address. */
const LONGEST_WAIT = 64;

/** Source address, port and length, before each datagram in the ring. */
const RECORD_LENGTH = 8;

export interface Endpoint {
  ipv4: number;
  port: number;
}

export class UdpSocket {
  readonly kind = 'udp';
  readonly id: number;
  readonly localPort: number;
  /** Whether other sockets may have the same port, as for a group that several programs hear (SO_REUSEADDR). */
  readonly shared: boolean;
  readonly lastSource: Endpoint = { ipv4: 0, port: 0 };
  readonly groups = new Set<number>();
  error: NetErrno | undefined = undefined;
  /** Of this socket alone. */
  dropped = 0;
  /** SO_RCVBUF, in bytes, the overhead of each datagram included. */
  receiveBuffer = RECEIVE_BUFFER;
  private readonly layer: UdpLayer;
  private readonly ring = new ByteRing();
  private readonly record = new Uint8Array(RECORD_LENGTH);
  private readonly recordView = new DataView(this.record.buffer);
  private readonly header = newUdp();
  private waiting = 0;
  private isOpen = true;

  constructor(id: number, localPort: number, shared: boolean, layer: UdpLayer) {
    this.id = id;
    this.localPort = localPort;
    this.shared = shared;
    this.layer = layer;
  }

  /** Datagrams that wait to be received. */
  pending = 0;

  sendTo(
    ipv4: number,
    port: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: number,
  ): 0 | NetErrno {
    if (!this.isOpen || port < 1 || port > 0xffff) return 'EINVAL';
    if (length > this.layer.largest) return 'EMSGSIZE';
    const neighbour = this.layer.neighbours.find(ipv4, now);
    if (neighbour.mac < 0) return this.wait(neighbour, port, bytes, at, length);
    return this.transmit(neighbour, port, bytes, at, length) ? 0 : 'ENOBUFS';
  }

  /** Whether the device had room. */
  transmit(
    neighbour: Neighbour,
    port: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    const { output, counters } = this.layer;
    const { header } = this;
    const whole = UDP_LENGTH + length;
    if (!output.begin(neighbour.mac, neighbour.ipv4, PROTOCOL_UDP, whole, 0)) return false;
    header.sourcePort = this.localPort;
    header.destinationPort = port;
    header.length = whole;
    emitUdp(output.view, output.at, header);
    copyBytes(bytes, at, output.bytes, output.at + UDP_LENGTH, length);
    counters.udp_out_datagrams++;
    output.end(UDP_LENGTH, this.id);
    return true;
  }

  private wait(
    neighbour: Neighbour,
    port: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): 0 | NetErrno {
    if (!this.layer.neighbours.resolves) return 'EHOSTUNREACH';
    if (this.waiting >= LONGEST_WAIT) this.loseOldest(neighbour);
    this.waiting++;
    neighbour.waiting.push(
      new WaitingDatagram(this, neighbour, port, bytes.slice(at, at + length)),
    );
    return 0;
  }

  /** As in Linux (unres_qlen) the oldest is dropped silently. */
  private loseOldest({ waiting }: Neighbour): void {
    const oldest = waiting.findIndex(
      (waiter) => waiter instanceof WaitingDatagram && waiter.socket === this,
    );
    if (oldest < 0) return;
    waiting.splice(oldest, 1);
    this.waited(true);
  }

  /** A datagram that waited is on its way, or is none any more. */
  waited(isLost: boolean): void {
    this.waiting--;
    if (isLost) this.layer.counters.ip_out_no_neighbour++;
  }

  /** Copies the next datagram, as far as it fits into `max`, and answers its length; -1 if there is none. */
  receive(bytes: Uint8Array, at: number, max: number): number {
    if (this.pending === 0) return -1;
    const { ring, record, recordView } = this;
    ring.copyOut(0, record, 0, RECORD_LENGTH);
    const length = recordView.getUint16(6);
    this.lastSource.ipv4 = recordView.getUint32(0);
    this.lastSource.port = recordView.getUint16(4);
    if (length > 0) ring.copyOut(RECORD_LENGTH, bytes, at, Math.min(length, max));
    ring.drop(RECORD_LENGTH + length);
    this.pending--;
    return length;
  }

  /** The length of the next datagram; -1 if there is none. */
  get nextLength(): number {
    if (this.pending === 0) return -1;
    this.ring.copyOut(0, this.record, 0, RECORD_LENGTH);
    return this.recordView.getUint16(6);
  }

  /** A datagram came; whether there was room. */
  deliver(ipv4: number, port: number, bytes: Uint8Array, at: number, length: number): boolean {
    const { ring, record, recordView } = this;
    const charged = ring.length + (this.pending + 1) * DATAGRAM_OVERHEAD + length;
    if (charged > this.receiveBuffer) {
      this.dropped++;
      return false;
    }
    recordView.setUint32(0, ipv4);
    recordView.setUint16(4, port);
    recordView.setUint16(6, length);
    ring.append(record, 0, RECORD_LENGTH);
    ring.append(bytes, at, length);
    this.pending++;
    return true;
  }

  join(group: number): 0 | NetErrno {
    if (!isMulticast(group)) return 'EINVAL';
    if (this.groups.has(group)) return 'EADDRINUSE';
    this.groups.add(group);
    this.layer.joined(group);
    return 0;
  }

  leave(group: number): 0 | NetErrno {
    if (!this.groups.delete(group)) return 'EADDRNOTAVAIL';
    this.layer.left(group);
    return 0;
  }

  close(): void {
    if (!this.isOpen) return;
    for (const group of this.groups) this.layer.left(group);
    this.groups.clear();
    this.isOpen = false;
    this.pending = 0;
    this.ring.clear();
    this.layer.closed(this);
  }
}

/** Keeps its own copy of the bytes, as the program's are its own again. */
class WaitingDatagram implements NeighbourWaiter {
  readonly socket: UdpSocket;
  private readonly neighbour: Neighbour;
  private readonly port: number;
  private readonly bytes: Uint8Array;

  constructor(socket: UdpSocket, neighbour: Neighbour, port: number, bytes: Uint8Array) {
    this.socket = socket;
    this.neighbour = neighbour;
    this.port = port;
    this.bytes = bytes;
  }

  neighbourFound(): void {
    const { bytes } = this;
    this.socket.waited(!this.socket.transmit(this.neighbour, this.port, bytes, 0, bytes.length));
  }

  neighbourLost(): void {
    this.socket.waited(true);
  }
}
