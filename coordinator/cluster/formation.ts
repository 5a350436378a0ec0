/**
 * The host processes of a cluster while they stand together: expected, introduced to one another, watched. One process
 * lost ends the formation; its owner makes a new one to keep the cluster up.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice } from '../../wire/control/notices.js';
import type { Order } from '../../wire/control/orders.js';
import type { Hello, ProcessConnection, ProcessListener } from './control-server.js';
import { RunError } from '../errors/run-error.js';

/** A closed connection waits this long for the exit that explains it. */
const EXIT_MS = 300;
/** A lost link waits longer still: for the loss of one of its ends. */
const UNLINKED_MS = 450;

export type NoticeListener = (process: number, notice: Notice) => void;

/** A process that is to come. */
export interface ExpectedProcess {
  readonly hosts: readonly number[];
  /** For people: `host2 (pid 4711)`. */
  name(): string;
}

/** What a run needs of a cluster: processes that are linked with one another. */
export interface LinkedProcesses {
  readonly size: number;
  readonly pids: readonly number[];
  /** The hosts of each process. */
  readonly partition: readonly (readonly number[])[];
  /** Rejects with a RunError when a process is lost, with its name and how it ended. */
  readonly lost: Promise<never>;
  /** Who hears the notices of the current run. */
  listener: NoticeListener | undefined;
  nameOf(process: number): string;
  /** Process `process` is of no use any more, and with it all of them. */
  lose(process: number, how: string): void;
  send(process: number, order: Order): void;
}

export class Formation implements LinkedProcesses {
  /** What the cluster's own processes call it. */
  readonly cluster = randomBytes(8).toString('hex');
  /** By process: what it must present. */
  readonly tickets: readonly string[];
  readonly lost: Promise<never>;
  /** All processes are there and linked. */
  readonly linked: Promise<void>;
  /** A process was lost, or it was dissolved. */
  isOver = false;
  /** Whose loss ended it. */
  lostProcess: number | undefined;
  private readonly expected: readonly ExpectedProcess[];
  private readonly connections: (ProcessConnection | undefined)[];
  private readonly hellos = new Map<number, Hello>();
  private readonly linkedOnes = new Set<number>();
  private heardBy: NoticeListener | undefined;
  private readonly onIdle: () => void;
  private reject!: (error: RunError) => void;
  private markLinked!: () => void;

  constructor(expected: readonly ExpectedProcess[], { onIdle }: { onIdle?: () => void } = {}) {
    this.onIdle = onIdle ?? ignore;
    this.expected = expected;
    this.tickets = expected.map(() => randomBytes(16).toString('hex'));
    this.connections = expected.map(() => undefined);
    this.lost = new Promise((_, reject) => {
      this.reject = reject;
    });
    // A run races with this promise; between runs nobody listens to it.
    this.lost.catch(() => undefined);
    this.linked = new Promise((resolve) => {
      this.markLinked = resolve;
    });
  }

  get listener(): NoticeListener | undefined {
    return this.heardBy;
  }

  set listener(listener: NoticeListener | undefined) {
    this.heardBy = listener;
    if (listener === undefined) this.onIdle();
  }

  /** Where each process's fabric is dialled. */
  get fabric(): { readonly hosts: readonly number[]; readonly url: string }[] {
    return this.expected.map(({ hosts }, index) => ({
      hosts,
      url: this.hellos.get(index)?.fabric ?? '',
    }));
  }

  get size(): number {
    return this.expected.length;
  }

  get partition(): readonly (readonly number[])[] {
    return this.expected.map(({ hosts }) => hosts);
  }

  get pids(): number[] {
    return this.expected.map((_, process) => this.hellos.get(process)?.pid ?? 0);
  }

  /** Processes that have not said hello. */
  get missing(): number[] {
    return [...this.expected.keys()].filter((process) => !this.hellos.has(process));
  }

  nameOf(process: number): string {
    return this.expected[process]!.name();
  }

  /** Nothing happens if the process is not there: the loss has been reported. */
  send(process: number, order: Order): void {
    this.connections[process]?.send(order);
  }

  /** A process says hello; undefined turns it away. */
  welcome(hello: Hello, connection: ProcessConnection): ProcessListener | undefined {
    const { process } = hello;
    if (this.isOver || this.tickets[process] !== hello.ticket || this.hellos.has(process)) {
      return undefined;
    }
    this.hellos.set(process, hello);
    this.connections[process] = connection;
    if (this.hellos.size === this.size) setImmediate(() => this.introduce());
    return {
      notice: (notice) => this.heard(process, notice),
      closed: (reason) => void this.closed(process, reason),
    };
  }

  /** Process `process` is gone, and with it the formation. */
  lose(process: number, how: string): void {
    if (!this.isOver) this.lostProcess = process;
    this.end(new RunError(`${this.nameOf(process)} ${how}`));
  }

  /** Tells every process to stop. */
  dissolve(why: string): void {
    // Let go of those who still wait for it to begin.
    this.end(new RunError(why));
    for (const connection of this.connections) connection?.send({ type: 'stop' });
  }

  /** Drops connections that are left. */
  drop(): void {
    for (const connection of this.connections) connection?.drop();
  }

  private end(error: RunError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.reject(error);
  }

  /** Everybody is there: each may dial the others. */
  private introduce(): void {
    const processes = this.fabric.map(({ hosts, url }) => ({ hosts, fabric: url }));
    for (const connection of this.connections) connection?.send({ type: 'peers', processes });
  }

  private heard(process: number, notice: Notice): void {
    if (notice.type === 'linked') {
      this.linkedOnes.add(process);
      // What comes late, when one of them is gone already, makes no cluster.
      if (this.linkedOnes.size === this.size && !this.isOver) this.markLinked();
    } else if (notice.type === 'unlinked') {
      void this.unlinked(process, notice.process, notice.reason);
    } else if (notice.type === 'failed' && this.heardBy === undefined) {
      // Before a run there is nothing to fail but a link.
      if (this.linkedOnes.size < this.size)
        this.lose(process, `could not link up: ${notice.message}`);
    } else {
      this.heardBy?.(process, notice);
    }
  }

  /** Two processes have lost each other. If one of them is gone, that says more. */
  private async unlinked(process: number, other: number, reason: string): Promise<void> {
    if (other >= this.size) return;
    await sleep(UNLINKED_MS);
    this.lose(process, `lost its link with ${this.nameOf(other)}: ${reason}`);
  }

  /** A connection closed. Its process has usually ended; how it did says more. */
  private async closed(process: number, reason: string | undefined): Promise<void> {
    this.connections[process] = undefined;
    if (this.isOver) return;
    if (reason === undefined) await sleep(EXIT_MS);
    this.lose(process, reason ?? 'closed its control connection');
  }
}

function ignore(): void {
  // Nobody waits for it to be idle.
}
