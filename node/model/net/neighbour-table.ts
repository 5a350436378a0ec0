/**
 * Who has which MAC: ARP (RFC 826) with Linux's three requests a second apart. An entry once learned stays; that a
 * neighbour has gone shows in what is sent to it.
 */
import { PS_PER_S } from '../../../units/time.js';
import {
  ARP_LENGTH,
  ARP_REPLY,
  ARP_REQUEST,
  emitArp,
  newArp,
  parseArp,
} from '../../../wire/arp.js';
import { BROADCAST_IPV4, BROADCAST_MAC, isMulticast, multicastMac } from './ipv4-address.js';
import type { Ipv4Output } from './ipv4-output.js';
import type { NetCounters } from './net-counters.js';
import type { Timed, TimerHeap } from './timer-heap.js';

/** mcast_solicit and retrans_time_ms. */
const REQUESTS = 3;
const REQUEST_INTERVAL = PS_PER_S;

/** Somebody who cannot send before the neighbour is known. */
export interface NeighbourWaiter {
  neighbourFound(now: number): void;
  neighbourLost(now: number): void;
}

export class Neighbour implements Timed {
  readonly ipv4: number;
  readonly order: number;
  /** -1 while unknown. */
  mac = -1;
  waiting: NeighbourWaiter[] = [];
  requests = 0;
  deadline = Infinity;
  heapIndex = -1;
  private readonly table: NeighbourTable;

  constructor(ipv4: number, order: number, table: NeighbourTable) {
    this.ipv4 = ipv4;
    this.order = order;
    this.table = table;
  }

  expire(now: number): void {
    this.table.request(this, now);
  }
}

export class NeighbourTable {
  private readonly neighbours = new Map<number, Neighbour>();
  private readonly mac: number;
  private readonly ipv4: number;
  private readonly output: Ipv4Output;
  private readonly timers: TimerHeap;
  private readonly nextOrder: () => number;
  private readonly known: ((ipv4: number) => number) | undefined;
  private readonly counters: NetCounters;
  private readonly arp = newArp();

  constructor(parts: {
    mac: number;
    ipv4: number;
    output: Ipv4Output;
    timers: TimerHeap;
    nextOrder: () => number;
    /** Somebody else's table, which then stands in for ARP. */
    known: ((ipv4: number) => number) | undefined;
    counters: NetCounters;
  }) {
    this.mac = parts.mac;
    this.ipv4 = parts.ipv4;
    this.output = parts.output;
    this.timers = parts.timers;
    this.nextOrder = parts.nextOrder;
    this.known = parts.known;
    this.counters = parts.counters;
  }

  /** The neighbour's record; if its MAC is unknown, a request is on its way or somebody else's table has none. */
  find(ipv4: number, now: number): Neighbour {
    let neighbour = this.neighbours.get(ipv4);
    if (neighbour === undefined) {
      neighbour = new Neighbour(ipv4, this.nextOrder(), this);
      this.neighbours.set(ipv4, neighbour);
      if (ipv4 === this.ipv4) neighbour.mac = this.mac;
      else if (ipv4 === BROADCAST_IPV4) neighbour.mac = BROADCAST_MAC;
      else if (isMulticast(ipv4)) neighbour.mac = multicastMac(ipv4);
    }
    if (neighbour.mac < 0) {
      if (this.known !== undefined) neighbour.mac = this.known(ipv4);
      else if (neighbour.requests === 0) this.request(neighbour, now);
    }
    return neighbour;
  }

  /** Whether waiting for an unknown neighbour is of any use. */
  get resolves(): boolean {
    return this.known === undefined;
  }

  /** Sends the next request, or gives the neighbour up. */
  request(neighbour: Neighbour, now: number): void {
    if (neighbour.requests === REQUESTS) {
      neighbour.requests = 0;
      this.counters.arp_failures++;
      for (const waiter of takeWaiting(neighbour)) waiter.neighbourLost(now);
      return;
    }
    neighbour.requests++;
    this.counters.arp_requests++;
    this.send(ARP_REQUEST, BROADCAST_MAC, 0, neighbour.ipv4);
    this.timers.set(neighbour, now + REQUEST_INTERVAL);
  }

  /** A packet of that neighbour came: where ARP is somebody else's, its source address will do. */
  learnFromPacket(ipv4: number, mac: number): void {
    if (this.known === undefined) return;
    const neighbour = this.find(ipv4, 0);
    if (neighbour.mac < 0) neighbour.mac = mac;
  }

  input(view: DataView, at: number, length: number, now: number): void {
    const { arp } = this;
    if (length < ARP_LENGTH || !parseArp(view, at, arp) || this.known !== undefined) return;
    if (arp.senderIpv4 === this.ipv4 || arp.senderIpv4 === 0) return;
    const { senderIpv4, senderMac } = arp;
    const isForUs = arp.targetIpv4 === this.ipv4;
    // RFC 826: known senders are updated by any packet, new ones learned only from what is meant for us.
    if (isForUs || this.neighbours.has(senderIpv4)) this.learn(senderIpv4, senderMac, now);
    if (isForUs && arp.operation === ARP_REQUEST) {
      this.counters.arp_replies++;
      this.send(ARP_REPLY, senderMac, senderMac, senderIpv4);
    }
  }

  private learn(ipv4: number, mac: number, now: number): void {
    let neighbour = this.neighbours.get(ipv4);
    if (neighbour === undefined) {
      neighbour = new Neighbour(ipv4, this.nextOrder(), this);
      this.neighbours.set(ipv4, neighbour);
    }
    neighbour.mac = mac;
    neighbour.requests = 0;
    this.timers.set(neighbour, Infinity);
    if (neighbour.waiting.length === 0) return;
    for (const waiter of takeWaiting(neighbour)) waiter.neighbourFound(now);
  }

  /** A packet that the device has no room for is lost; the next request makes up for it. */
  private send(operation: number, to: number, targetMac: number, targetIpv4: number): void {
    const { output, arp } = this;
    if (!output.beginArp(to, ARP_LENGTH)) return;
    arp.operation = operation;
    arp.senderMac = this.mac;
    arp.senderIpv4 = this.ipv4;
    arp.targetMac = targetMac;
    arp.targetIpv4 = targetIpv4;
    emitArp(output.view, output.at, arp);
    output.end(ARP_LENGTH, -1);
  }
}

function takeWaiting(neighbour: Neighbour): NeighbourWaiter[] {
  const { waiting } = neighbour;
  neighbour.waiting = [];
  return waiting;
}
