/**
 * A cluster whose hosts come from other machines. Machines that joined wait until there are hosts enough; then they are
 * a formation, numbered by the machines' names. A machine that is lost ends the formation; the next one begins when
 * there are enough again, be it the same machine or one that stood by.
 */
import type { WebSocket } from 'ws';
import {
  parseJoinNotice,
  type JoinNotice,
  type JoinOrder,
  type Offer,
} from '../../wire/control/join-messages.js';
import type { ClusterConfig } from '../plan/cluster-config.js';
import type { Welcome } from './control-server.js';
import type { EventLog } from '../terminal/event-log.js';
import { Formation, type LinkedProcesses } from './formation.js';
import { receiveGuest } from './introduction.js';
import {
  freeName,
  nameOfHosts,
  objectionTo,
  placesFor,
  type Machine,
  type Place,
} from './joined-machine.js';
import { PeerConnection } from './peer-connection.js';
import { RunError } from '../errors/run-error.js';
import type { MemberInfo, StandingCluster } from './standing-cluster.js';

/** From assignment until all processes are linked, across a network. */
const LINK_MS = 60_000;
/** A formation that failed is tried again after this, and later each time. */
const AGAIN_MS = 500;
const LONGEST_AGAIN_MS = 10_000;
/** Machines that were dismissed have this long to hang up. */
const DISMISS_MS = 3_000;
/** Connections of processes whose formation is over are dropped after this. */
const DROP_MS = 2_000;

/** Turns away a machine whatever it may offer. */
export function refuseToJoin(socket: WebSocket, reason: string): void {
  const connection: PeerConnection<JoinOrder> = PeerConnection.over(socket, parseJoinNotice, {
    heard: () => undefined,
    closed: () => undefined,
  });
  connection.send({ type: 'refused', reason });
  connection.close();
}

export interface JoinedClusterOptions {
  readonly config: ClusterConfig;
  readonly encrypted: boolean;
  readonly log: EventLog;
  /** Someone was admitted and was nobody. */
  readonly stranger: () => void;
}

export class JoinedCluster implements StandingCluster {
  private readonly options: JoinedClusterOptions;
  private readonly machines: Machine[] = [];
  private formation: Formation | undefined;
  /** The formation's, by process. */
  private places: readonly Place[] = [];
  private isLinked = false;
  private failures = 0;
  /** Why the last formation never stood. */
  trouble: string | undefined;
  private again: NodeJS.Timeout | undefined;
  private stopped: RunError | undefined;
  /** Called when something has changed for those who wait. */
  private readonly waiting = new Set<() => void>();

  constructor(options: JoinedClusterOptions) {
    this.options = options;
  }

  get config(): ClusterConfig {
    return this.options.config;
  }

  /** In the order of their hosts; those that stand by come last. */
  get members(): readonly MemberInfo[] {
    const members = this.machines.map((machine) => {
      const { name, offer, address, since } = machine;
      const { cores, memory, version, node, hosts: hostCount } = offer;
      const hosts = this.places.flatMap((place) => (place.machine === machine ? place.hosts : []));
      return { name, hosts, hostCount, address, cores, memory, version, node, since };
    });
    const first = ({ hosts }: MemberInfo): number => hosts[0] ?? Infinity;
    return members.sort((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0));
  }

  get missingHosts(): number {
    const staying = this.machines.filter((each) => !each.isLeaving && each.connection.isOpen);
    const there = staying.reduce((sum, { offer }) => sum + offer.hosts, 0);
    return Math.max(0, this.config.hosts - there);
  }

  get fabric(): StandingCluster['fabric'] {
    return this.isLinked ? this.formation!.fabric : [];
  }

  /** A host process says hello. */
  readonly welcome: Welcome = (hello, connection) =>
    hello.cluster === this.formation?.cluster
      ? this.formation.welcome(hello, connection)
      : undefined;

  async processes(): Promise<LinkedProcesses> {
    for (;;) {
      if (this.stopped !== undefined) throw this.stopped;
      if (this.formation?.isOver === false && this.isLinked) return this.formation;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Takes over the socket of a machine that wants to join from `address`. */
  join(socket: WebSocket, address: string): void {
    receiveGuest<JoinNotice, Extract<JoinNotice, { type: 'offer' }>, JoinOrder, Machine>(socket, {
      parse: parseJoinNotice,
      introduces: (notice) => notice.type === 'offer',
      missing: 'sent no offer',
      greet: (offer, connection) => this.offered(offer, address, connection),
      heard: (machine, notice) => this.heard(machine, notice),
      lost: (machine, reason) => this.lost(machine, reason),
      stranger: this.options.stranger,
    });
  }

  /** Dismisses every machine; nobody is waited for longer than they need to hang up. */
  async stop(why: string): Promise<void> {
    this.stopped = new RunError(why);
    clearTimeout(this.again);
    this.formation?.dissolve(why);
    this.changed();
    for (const { connection } of this.machines) connection.send({ type: 'dismiss', reason: why });
    const deadline = performance.now() + DISMISS_MS;
    while (this.machines.length > 0 && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - performance.now());
        this.waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    for (const { connection } of this.machines) connection.drop('did not hang up');
  }

  /** An offer: taken, or refused with the reason. */
  private offered(
    offer: Offer,
    address: string,
    connection: PeerConnection<JoinOrder>,
  ): Machine | undefined {
    const { config, encrypted } = this.options;
    const reason =
      this.stopped !== undefined
        ? 'the cluster is being stopped'
        : objectionTo(offer, { config, encrypted, machines: this.machines.length });
    if (reason !== undefined) {
      this.options.log.warn({ name: offer.name, address, reason }, 'host refused');
      connection.send({ type: 'refused', reason });
      connection.close();
      return undefined;
    }
    const since = new Date().toISOString();
    const name = freeName(offer.name, this.machines);
    const machine = { name, offer, address, since, connection, isLeaving: false };
    this.machines.push(machine);
    connection.send({ type: 'welcome', name });
    const { hosts, cores, memory } = offer;
    const missing = this.missingHosts;
    this.options.log.info({ name, address, hosts, cores, memory, missing }, 'host joined');
    this.form();
    this.changed();
    return machine;
  }

  private heard(machine: Machine, notice: JoinNotice): void {
    switch (notice.type) {
      case 'offer':
        machine.connection.drop('sent a second offer');
        return;
      case 'ended':
        if (notice.cluster !== this.formation?.cluster) return;
        if (this.places[notice.process]?.machine !== machine) {
          machine.connection.drop(
            `sent a malformed message: process ${notice.process} is not its own`,
          );
          return;
        }
        this.formation.lose(notice.process, notice.how);
        return;
      case 'leaving':
        machine.isLeaving = true;
        this.options.log.info({ name: machine.name }, 'host leaving');
        if (!this.isBusy()) this.letGo();
        return;
    }
  }

  private isBusy(): boolean {
    return this.formation?.listener !== undefined;
  }

  /** Nothing runs: those who wanted to leave may. */
  private letGo(): void {
    const leaving = this.machines.filter(({ isLeaving }) => isLeaving);
    if (leaving.length === 0) return;
    const isNeeded = this.places.some(({ machine }) => machine.isLeaving);
    if (isNeeded) this.formation?.dissolve(`${leaving[0]!.name} left the cluster`);
    for (const machine of leaving) {
      machine.connection.send({ type: 'dismiss', reason: 'it asked to leave' });
      machine.connection.close();
    }
  }

  private lost(machine: Machine, reason: string | undefined): void {
    this.machines.splice(this.machines.indexOf(machine), 1);
    const why = reason ?? 'closed its connection';
    const { log } = this.options;
    if (machine.isLeaving || this.stopped !== undefined) {
      log.info({ name: machine.name, missing: this.missingHosts }, 'host left');
    } else {
      log.warn({ name: machine.name, reason: why, missing: this.missingHosts }, 'host lost');
    }
    const process = this.places.findIndex((place) => place.machine === machine);
    if (process >= 0 && this.formation?.isOver === false) this.formation.lose(process, why);
    this.changed();
  }

  /** Makes a formation if there is none and hosts enough are here. */
  private form(): void {
    if (this.stopped !== undefined || this.formation !== undefined || this.again !== undefined) {
      return;
    }
    const places = placesFor(this.config.hosts, this.machines);
    if (places === undefined) return;
    const formation: Formation = new Formation(
      places.map(({ machine, hosts }, process) => ({
        hosts,
        name: () => nameOfHosts(machine, hosts, formation.pids[process]!),
      })),
      { onIdle: () => this.letGo() },
    );
    this.formation = formation;
    this.places = places;
    for (const machine of new Set(places.map((place) => place.machine))) {
      const assigned = places.flatMap((place, process) =>
        place.machine === machine
          ? [{ process, hosts: place.hosts, ticket: formation.tickets[process]! }]
          : [],
      );
      const { cluster, size } = formation;
      machine.connection.send({ type: 'assign', cluster, processes: size, assigned });
    }
    const late = setTimeout(() => {
      const [missing] = formation.missing;
      formation.lose(missing ?? 0, `did not link up within ${LINK_MS / 1000} s`);
    }, LINK_MS);
    formation.linked.then(
      () => {
        clearTimeout(late);
        this.isLinked = true;
        this.failures = 0;
        this.trouble = undefined;
        this.options.log.info({ hosts: this.config.hosts, processes: formation.size }, 'ready');
        this.changed();
      },
      () => undefined,
    );
    formation.lost.catch((error: unknown) => {
      clearTimeout(late);
      this.ended(formation, (error as Error).message);
    });
  }

  /** The formation is over: its machines are free, and a new one may begin. */
  private ended(formation: Formation, why: string): void {
    if (!this.isLinked) this.failed(formation.lostProcess, why);
    this.isLinked = false;
    if (this.stopped !== undefined) return;
    this.options.log.warn({ reason: why, missing: this.missingHosts }, 'not ready');
    // Machines that get the message let their processes go; the rest belongs to nobody.
    setTimeout(() => formation.drop(), DROP_MS).unref();
    for (const machine of this.machines) {
      if (this.places.some((place) => place.machine === machine)) {
        machine.connection.send({ type: 'release' });
      }
    }
    this.formation = undefined;
    this.places = [];
    const pause = Math.min(LONGEST_AGAIN_MS, AGAIN_MS * 2 ** Math.min(this.failures, 10));
    this.again = setTimeout(() => {
      this.again = undefined;
      this.form();
    }, pause);
    this.changed();
  }

  /** It never formed: machines to blame are asked last next time, so that others may replace them. */
  private failed(process: number | undefined, why: string): void {
    this.failures++;
    this.trouble = why;
    const machine = process === undefined ? undefined : this.places[process]?.machine;
    const at = machine === undefined ? -1 : this.machines.indexOf(machine);
    if (at >= 0) this.machines.push(...this.machines.splice(at, 1));
  }

  private changed(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const each of waiting) each();
  }
}
