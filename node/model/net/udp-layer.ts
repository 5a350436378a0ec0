/** UDP's ports and groups: which sockets a datagram is for. */
import {
  emitIgmpReport,
  IGMP_REPORT_LENGTH,
  IGMP_ROUTERS,
  PROTOCOL_IGMP,
} from '../../../wire/igmp.js';
import { newUdp, parseUdp, UDP_LENGTH } from '../../../wire/udp.js';
import type { NetErrno } from './errno.js';
import { isMulticast, multicastMac } from './ipv4-address.js';
import type { Ipv4Output } from './ipv4-output.js';
import type { NeighbourTable } from './neighbour-table.js';
import type { NetCounters } from './net-counters.js';
import type { PortRange } from './port-range.js';
import type { SocketTable } from './socket-table.js';
import type { SocketListener } from './stack-host.js';
import { UdpSocket } from './udp-socket.js';

export class UdpLayer {
  readonly output: Ipv4Output;
  readonly neighbours: NeighbourTable;
  readonly counters: NetCounters;
  /** Payload bytes that fit into one packet. */
  readonly largest: number;
  private readonly sockets: SocketTable;
  private readonly listener: SocketListener;
  private readonly ephemeral: PortRange;
  private readonly ports = new Map<number, UdpSocket[]>();
  /** Sockets in each group. */
  private readonly groups = new Map<number, number>();
  private readonly header = newUdp();

  constructor(parts: {
    output: Ipv4Output;
    neighbours: NeighbourTable;
    counters: NetCounters;
    largest: number;
    sockets: SocketTable;
    listener: SocketListener;
    ephemeral: PortRange;
  }) {
    this.output = parts.output;
    this.neighbours = parts.neighbours;
    this.counters = parts.counters;
    this.largest = parts.largest;
    this.sockets = parts.sockets;
    this.listener = parts.listener;
    this.ephemeral = parts.ephemeral;
  }

  open(port: number, shared: boolean): UdpSocket | NetErrno {
    if (port < 0 || port > 0xffff) return 'EINVAL';
    const chosen = port === 0 ? this.ephemeral.choose((free) => !this.ports.has(free)) : port;
    if (chosen < 0) return 'EADDRINUSE';
    const others = this.ports.get(chosen) ?? [];
    if (others.some((other) => !other.shared || !shared)) return 'EADDRINUSE';
    const socket = new UdpSocket(this.sockets.nextId(), chosen, shared, this);
    this.ports.set(chosen, [...others, socket]);
    this.sockets.add(socket);
    return socket;
  }

  closed(socket: UdpSocket): void {
    const others = this.ports.get(socket.localPort)!.filter((other) => other !== socket);
    if (others.length === 0) this.ports.delete(socket.localPort);
    else this.ports.set(socket.localPort, others);
    this.sockets.delete(socket.id);
  }

  hears(group: number): boolean {
    return this.groups.has(group);
  }

  joined(group: number): void {
    const members = this.groups.get(group) ?? 0;
    this.groups.set(group, members + 1);
    if (members === 0) this.report(group, true);
  }

  left(group: number): void {
    const members = this.groups.get(group)! - 1;
    if (members > 0) this.groups.set(group, members);
    else {
      this.groups.delete(group);
      this.report(group, false);
    }
  }

  /** One report, not repeated: switches here forward to whom configuration says. */
  private report(group: number, joins: boolean): void {
    const { output } = this;
    const mac = multicastMac(IGMP_ROUTERS);
    if (!output.begin(mac, IGMP_ROUTERS, PROTOCOL_IGMP, IGMP_REPORT_LENGTH, 0, true)) return;
    emitIgmpReport(output.bytes, output.view, output.at, group, joins);
    output.end(IGMP_REPORT_LENGTH, -1);
  }

  /** A datagram of `length` bytes by IP's account; the id of a socket it was for, or -1. */
  input(
    source: number,
    destination: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
  ): number {
    const { header, counters } = this;
    if (length < UDP_LENGTH) return this.faulty();
    parseUdp(view, at, header);
    if (header.length < UDP_LENGTH || header.length > length) return this.faulty();
    const sockets = this.ports.get(header.destinationPort);
    if (sockets === undefined) {
      counters.udp_no_port++;
      return -1;
    }
    const payload = header.length - UDP_LENGTH;
    const port = header.sourcePort;
    if (!isMulticast(destination)) {
      // Of several that share the port, the youngest.
      const socket = sockets[sockets.length - 1]!;
      this.deliver(socket, source, port, bytes, at + UDP_LENGTH, payload);
      return socket.id;
    }
    let first = -1;
    for (const socket of sockets) {
      if (!socket.groups.has(destination)) continue;
      if (first < 0) first = socket.id;
      this.deliver(socket, source, port, bytes, at + UDP_LENGTH, payload);
    }
    if (first < 0) counters.udp_no_port++;
    return first;
  }

  private faulty(): number {
    this.counters.udp_in_errors++;
    return -1;
  }

  private deliver(
    socket: UdpSocket,
    source: number,
    port: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): void {
    if (socket.deliver(source, port, bytes, at, length)) {
      this.counters.udp_in_datagrams++;
      this.listener.readable(socket);
    } else {
      this.counters.udp_receive_buffer_errors++;
      this.counters.udp_in_errors++;
    }
  }
}
