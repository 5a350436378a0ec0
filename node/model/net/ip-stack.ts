/**
 * A host's IP stack: Ethernet, VLAN, ARP, IPv4, UDP, TCP as state machines over (state, bytes, now). The emulated
 * kernel runs it, and so does a program's library above a queue of raw frames; what it costs and where its time goes is
 * theirs.
 *
 * Instants and lengths of time are picoseconds. Not modelled: fragments, routing (every address is on the link), ICMP,
 * IPv6, multicast heard by its own sender's host.
 */
import {
  ETHERNET_LENGTH,
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  isGroupMac,
  newEthernet,
  parseEthernet,
} from '../../../wire/ethernet.js';
import { checksumsAreRight } from '../../../wire/checksums.js';
import {
  IPV4_LENGTH,
  IPV4_MORE_FRAGMENTS,
  ipv4Checksum,
  newIpv4,
  parseIpv4,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../../wire/ipv4.js';
import { TCP_LENGTH } from '../../../wire/tcp.js';
import { UDP_LENGTH } from '../../../wire/udp.js';
import { isVlan, newVlan, parseVlan, VLAN_LENGTH } from '../../../wire/vlan.js';
import type { NetErrno } from './errno.js';
import { BROADCAST_IPV4, BROADCAST_MAC, isMulticast } from './ipv4-address.js';
import { Ipv4Output } from './ipv4-output.js';
import { NeighbourTable } from './neighbour-table.js';
import { newNetCounters, type NetCounters } from './net-counters.js';
import type { NetSocket } from './net-socket.js';
import { PortRange } from './port-range.js';
import { SocketTable } from './socket-table.js';
import type { SocketListener, StackHost } from './stack-host.js';
import { TcpLayer } from './tcp-layer.js';
import type { TcpListener } from './tcp-listener.js';
import type { TcpSocket } from './tcp-socket.js';
import { LINUX_TCP, type TcpTuning } from './tcp-tuning.js';
import { TimerHeap } from './timer-heap.js';
import { UdpLayer } from './udp-layer.js';
import type { UdpSocket } from './udp-socket.js';

export type { FrameBuffer, SocketListener, StackHost } from './stack-host.js';

export interface StackOptions {
  /** 48 bits. */
  readonly mac: number;
  /** 32 bits, first byte highest. */
  readonly ipv4: number;
  /** Bytes of an IP packet. */
  readonly mtu: number;
  /** Tags what is sent, and takes only what has this tag. */
  readonly vlan?: number;
  readonly congestion?: 'cubic' | 'reno';
  readonly tuning?: Partial<TcpTuning>;
  /** Somebody else's neighbour table, instead of ARP on the wire: the MAC, or -1. */
  neighbour?(ipv4: number): number;
}

export class IpStack {
  readonly counters: NetCounters = newNetCounters();
  private readonly mac: number;
  private readonly ipv4: number;
  private readonly vlan: number | undefined;
  private readonly timerHeap = new TimerHeap();
  private readonly sockets = new SocketTable();
  private readonly neighbours: NeighbourTable;
  private readonly udp: UdpLayer;
  private readonly tcp: TcpLayer;
  private readonly ethernet = newEthernet();
  private readonly tag = newVlan();
  private readonly header = newIpv4();

  constructor(options: StackOptions, host: StackHost, listener: SocketListener) {
    const { mac, ipv4, mtu, vlan } = options;
    const { counters, sockets, timerHeap: timers } = this;
    this.mac = mac;
    this.ipv4 = ipv4;
    this.vlan = vlan;
    const output = new Ipv4Output(host, mac, ipv4, vlan);
    const random = (): number => host.random();
    let order = 0;
    const nextOrder = (): number => ++order;
    const known =
      options.neighbour === undefined
        ? undefined
        : (address: number): number => options.neighbour!(address);
    this.neighbours = new NeighbourTable({
      mac,
      ipv4,
      output,
      timers,
      nextOrder,
      known,
      counters,
    });
    const shared = { output, neighbours: this.neighbours, counters, sockets, listener };
    this.udp = new UdpLayer({
      ...shared,
      largest: mtu - IPV4_LENGTH - UDP_LENGTH,
      ephemeral: new PortRange(random),
    });
    this.tcp = new TcpLayer({
      ...shared,
      ephemeral: new PortRange(random),
      timers,
      nextOrder,
      random,
      tuning: { ...LINUX_TCP, ...options.tuning },
      congestion: options.congestion ?? 'cubic',
      room: mtu - IPV4_LENGTH,
      largestSegment: mtu - IPV4_LENGTH - TCP_LENGTH,
    });
  }

  /** Port 0 asks for any. `shared` lets others have it too, who say the same. */
  openUdp(port: number, shared = false): UdpSocket | NetErrno {
    return this.udp.open(port, shared);
  }

  /** The SYN leaves now, or when the neighbour's MAC is known. */
  connect(ipv4: number, port: number, now: number, localPort = 0): TcpSocket | NetErrno {
    return this.tcp.connect(ipv4 >>> 0, port, now, localPort);
  }

  listen(port: number, backlog: number): TcpListener | NetErrno {
    return this.tcp.listen(port, backlog);
  }

  socket(id: number): NetSocket | undefined {
    return this.sockets.get(id);
  }

  /** The MAC of an address; -1 while it is unknown: then a request is on its way. */
  neighbour(ipv4: number, now: number): number {
    return this.neighbours.find(ipv4 >>> 0, now).mac;
  }

  /** The earliest instant at which {@link timers} has something to do. */
  nextTimer(): number {
    return this.timerHeap.next();
  }

  timers(now: number): void {
    this.timerHeap.run(now);
  }

  /** The device has room again for what it had to refuse. */
  roomAgain(now: number): void {
    this.tcp.room.roomAgain(now);
  }

  /**
   * A frame came: `length` bytes at `at`, Ethernet header to last byte, no check sequence. `verify` if its checksums
   * are not known to be right. `segment` if it was merged of several that continued each other: payload bytes of all
   * but the last. The id of the socket it was for, -1 for none. Nothing in it makes this throw.
   */
  input(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    now: number,
    verify: boolean,
    segment = 0,
  ): number {
    if (length < ETHERNET_LENGTH) return -1;
    const { ethernet, tag } = this;
    parseEthernet(view, at, ethernet);
    if (!this.isAddressed(ethernet.destination)) {
      this.counters.eth_not_for_us++;
      return -1;
    }
    let { etherType } = ethernet;
    let from = at + ETHERNET_LENGTH;
    const end = at + length;
    let vlan: number | undefined;
    if (isVlan(etherType)) {
      if (from + VLAN_LENGTH > end) return -1;
      parseVlan(view, from, tag);
      from += VLAN_LENGTH;
      etherType = tag.etherType;
      // VLAN 0 is a priority and no VLAN (IEEE 802.1Q 6.9).
      vlan = tag.id === 0 ? undefined : tag.id;
    }
    if (vlan !== this.vlan) {
      this.counters.eth_not_for_us++;
      return -1;
    }
    if (etherType === ETHER_TYPE_IPV4)
      return this.inputIpv4(bytes, view, at, from, end, now, verify, segment);
    if (etherType === ETHER_TYPE_ARP) this.neighbours.input(view, from, end - from, now);
    return -1;
  }

  private isAddressed(mac: number): boolean {
    return mac === this.mac || mac === BROADCAST_MAC || isGroupMac(mac);
  }

  private inputIpv4(
    bytes: Uint8Array,
    view: DataView,
    frame: number,
    at: number,
    end: number,
    now: number,
    verify: boolean,
    segment: number,
  ): number {
    const { header, counters } = this;
    counters.ip_in_receives++;
    if (at + IPV4_LENGTH > end) return this.faulty();
    parseIpv4(view, at, header);
    const headerLength = header.ihl * 4;
    const { totalLength } = header;
    if (header.version !== 4 || headerLength < IPV4_LENGTH) return this.faulty();
    if (totalLength < headerLength || at + totalLength > end) return this.faulty();
    if (verify && !this.verify(bytes, view, frame, at, end)) return -1;
    const { destination, source } = header;
    if (!this.isOurs(destination) || isMulticast(source) || source === BROADCAST_IPV4) {
      counters.ip_in_address_errors++;
      return -1;
    }
    if (header.fragmentOffset !== 0 || (header.flags & IPV4_MORE_FRAGMENTS) !== 0) {
      counters.ip_fragments_dropped++;
      return -1;
    }
    this.neighbours.learnFromPacket(source, this.ethernet.source);
    const from = at + headerLength;
    const length = totalLength - headerLength;
    if (header.protocol === PROTOCOL_UDP) {
      return this.udp.input(source, destination, bytes, view, from, length);
    }
    if (header.protocol === PROTOCOL_TCP && destination === this.ipv4) {
      return this.tcp.input(source, this.ethernet.source, bytes, view, from, length, now, segment);
    }
    counters.ip_unknown_protocols++;
    return -1;
  }

  private isOurs(destination: number): boolean {
    if (destination === this.ipv4 || destination === BROADCAST_IPV4) return true;
    return isMulticast(destination) && this.udp.hears(destination);
  }

  /** Whether the checksums are right; counts the first that is not. */
  private verify(
    bytes: Uint8Array,
    view: DataView,
    frame: number,
    at: number,
    end: number,
  ): boolean {
    const { header, counters } = this;
    if (ipv4Checksum(view, at) !== header.checksum) counters.ip_bad_checksum++;
    else if (checksumsAreRight(bytes, view, frame, end - frame)) return true;
    else if (header.protocol === PROTOCOL_TCP) {
      counters.tcp_in_errors++;
      counters.tcp_bad_checksum++;
    } else {
      counters.udp_in_errors++;
      counters.udp_bad_checksum++;
    }
    return false;
  }

  private faulty(): number {
    this.counters.ip_in_header_errors++;
    return -1;
  }
}
