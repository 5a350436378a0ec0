/**
 * The connections of a door, from their arrival to their end. Each has one fate, counted once: admitted, answered with
 * a page, turned away for a reason, or gone by itself before any of these.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DoorLimits } from './door-limits.js';

/** How many connections were turned away, by reason. */
export interface Refusals {
  /** No proof of the token, or a wrong one. */
  token: number;
  /** A web page: came with an Origin header, or by a name that is not ours. */
  origin: number;
  path: number;
  /** Not HTTP, not a request that is served here, or silent for too long. */
  garbage: number;
  /** No TLS, no certificate, or one that is not trusted. */
  tls: number;
  /** Pushed out by newer ones before it was admitted. */
  crowd: number;
  /** Too many of its address in too short a time. */
  rate: number;
  /** All places are taken. */
  full: number;
  /** Was admitted, and sent more messages than anybody has reason to. */
  flood: number;
  /** Was admitted, and left lying what it was sent. */
  backlog: number;
}

/** What became of all others. */
export interface Fates {
  arrived: number;
  admitted: number;
  /** Had a page. */
  served: number;
  /** Left before it was admitted or refused, as a probe of the port does. */
  left: number;
}

export class Caller {
  /** The challenge that waits for its answer. */
  nonce: string | undefined;
  private readonly callers: Callers;
  /** TLS is up, or not wanted. */
  isSecured: boolean;
  private readonly socket: Socket;
  private readonly timer: NodeJS.Timeout;
  isDecided = false;

  constructor(callers: Callers, socket: Socket, patienceMs: number) {
    this.callers = callers;
    this.isSecured = !callers.encrypted;
    this.socket = socket;
    // Also for who was decided on, but does not take the answer.
    this.timer = setTimeout(() => this.refuse('garbage'), patienceMs);
  }

  /** Gives it its fate; false if it has one. */
  decide(fate: 'admitted' | 'served' | 'left' | keyof Refusals): boolean {
    if (this.isDecided) return false;
    this.isDecided = true;
    if (fate === 'admitted') this.stopWaiting();
    this.callers.count(this, fate);
    return true;
  }

  /** Decides against it and ends the connection at once. */
  refuse(reason: keyof Refusals): void {
    this.decide(reason);
    this.drop();
  }

  /** Ends the connection, whatever its fate was. */
  drop(): void {
    this.socket.destroy();
  }

  stopWaiting(): void {
    clearTimeout(this.timer);
  }
}

export class Callers {
  readonly refusals: Refusals = {
    ...{ token: 0, origin: 0, path: 0, garbage: 0 },
    ...{ tls: 0, crowd: 0, rate: 0, full: 0 },
    ...{ flood: 0, backlog: 0 },
  };
  readonly encrypted: boolean;
  readonly fates: Fates = { arrived: 0, admitted: 0, served: 0, left: 0 };
  private readonly limits: DoorLimits;
  private readonly open = new Set<Socket>();
  /** In the order of their arrival. */
  private readonly pending = new Set<Caller>();
  /** By the caller's address and port: the socket that TLS makes is another one than that which arrived. */
  private readonly byEnd = new Map<string, Caller>();
  /** Whose page is on its way, in the order in which they asked. */
  private readonly answered = new Set<Caller>();
  private readonly bySocket = new WeakMap<Duplex, Caller>();
  /** Each address's tokens, and when they were counted. */
  private readonly buckets = new Map<string, { tokens: number; at: number }>();
  private admitted = 0;

  constructor(limits: DoorLimits, encrypted: boolean) {
    this.limits = limits;
    this.encrypted = encrypted;
  }

  /** A connection arrives; undefined: it was turned away at once. */
  arrive(socket: Socket): Caller | undefined {
    const { limits } = this;
    this.fates.arrived++;
    if (!this.mayCall(socket.remoteAddress ?? '')) {
      this.refusals.rate++;
      socket.destroy();
      return undefined;
    }
    const caller = new Caller(this, socket, limits.admissionMs);
    this.open.add(socket);
    this.pending.add(caller);
    this.bySocket.set(socket, caller);
    const end = endOf(socket);
    if (this.encrypted) this.byEnd.set(end, caller);
    socket.once('close', () => {
      this.open.delete(socket);
      this.answered.delete(caller);
      this.byEnd.delete(end);
      caller.stopWaiting();
      caller.decide(caller.isSecured ? 'left' : 'tls');
    });
    if (this.pending.size > limits.pending) {
      const [oldest] = this.pending;
      oldest!.refuse('crowd');
    }
    return caller;
  }

  /** TLS is up on a connection: `socket` is what is spoken on from here on. */
  secure(socket: Socket): void {
    const caller = this.byEnd.get(endOf(socket));
    if (caller === undefined) return;
    caller.isSecured = true;
    this.bySocket.set(socket, caller);
  }

  of(socket: Duplex): Caller | undefined {
    return this.bySocket.get(socket);
  }

  /** No place for another admitted one. */
  get isFull(): boolean {
    return this.admitted >= this.limits.admitted;
  }

  /** An admitted connection is gone. */
  leave(): void {
    this.admitted--;
  }

  count(caller: Caller, fate: 'admitted' | 'served' | 'left' | keyof Refusals): void {
    this.pending.delete(caller);
    if (fate === 'served') this.answer(caller);
    if (fate === 'admitted') this.admitted++;
    if (fate === 'admitted' || fate === 'served' || fate === 'left') this.fates[fate]++;
    else this.refusals[fate]++;
  }

  /** Has its page, and may leave it unread: of those no more are kept than of those who wait. */
  private answer(caller: Caller): void {
    this.answered.add(caller);
    if (this.answered.size <= this.limits.pending) return;
    const [oldest] = this.answered;
    oldest!.drop();
  }

  /** Ends every connection. */
  dropAll(): void {
    for (const socket of this.open) socket.destroy();
  }

  private mayCall(address: string): boolean {
    const { addresses, burst, perSecond } = this.limits;
    const now = performance.now();
    let bucket = this.buckets.get(address);
    if (bucket === undefined) {
      const [first] = this.buckets.keys();
      if (this.buckets.size >= addresses) this.buckets.delete(first!);
      bucket = { tokens: burst, at: now };
      this.buckets.set(address, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

const endOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string =>
  `${remoteAddress} ${remotePort}`;
