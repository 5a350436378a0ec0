/** A machine that joined a cluster: whether what it offers fits, what it is called, and which hosts are its. */
import { MAX_PROCESSES } from '../../units/elements.js';
import { JOIN_PROTOCOL, type JoinOrder, type Offer } from '../../wire/control/join-messages.js';
import { partition, type ClusterConfig } from '../plan/cluster-config.js';
import { hostLabel } from '../run/host-label.js';
import type { PeerConnection } from './peer-connection.js';
import { majorOf, VERSION } from '../terminal/version.js';

export interface Machine {
  /** Unique in the cluster. */
  readonly name: string;
  readonly offer: Offer;
  readonly address: string;
  /** When it joined, ISO 8601. */
  readonly since: string;
  readonly connection: PeerConnection<JoinOrder>;
  isLeaving: boolean;
}

/** A process of a formation, and whose it is. */
export interface Place {
  readonly machine: Machine;
  readonly hosts: readonly number[];
}

/** Why an offer does not fit; undefined if it does. `machines` have joined already. */
export function objectionTo(
  offer: Offer,
  cluster: {
    readonly config: ClusterConfig;
    readonly encrypted: boolean;
    readonly machines: number;
  },
): string | undefined {
  const { config, encrypted, machines } = cluster;
  if (offer.protocol !== JOIN_PROTOCOL) {
    return `it speaks ${offer.protocol}, this cluster ${JOIN_PROTOCOL}`;
  }
  if (offer.version !== VERSION) {
    return `it runs pinwire ${offer.version}, this cluster ${VERSION}`;
  }
  if (majorOf(offer.node) !== majorOf(process.version)) {
    return `it runs Node.js ${offer.node}, this cluster ${process.version}: equal results need one major version`;
  }
  if (offer.encrypted !== encrypted) {
    return encrypted
      ? 'the links of this cluster are encrypted: give --tls-cert and --tls-key'
      : 'the links of this cluster are not encrypted: leave out --tls-cert and --tls-key';
  }
  const needed = offer.hosts * config.memory;
  if (offer.memory < needed) {
    return `its ${offer.hosts} hosts need ${needed} bytes of memory, but it has ${offer.memory}`;
  }
  return machines >= MAX_PROCESSES
    ? `the limit of ${MAX_PROCESSES} machines is reached`
    : undefined;
}

/** The name, with a number behind it if another machine has it. */
export function freeName(name: string, machines: readonly Machine[]): string {
  const taken = new Set(machines.map((machine) => machine.name));
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) {
    if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
  }
}

/**
 * Which machine runs which of `hosts` hosts, by process; undefined while there are too few. Those that came first take
 * part, and are numbered by their names.
 */
export function placesFor(hosts: number, machines: readonly Machine[]): Place[] | undefined {
  const chosen: { machine: Machine; count: number }[] = [];
  let left = hosts;
  for (const machine of machines) {
    if (left === 0) break;
    if (machine.isLeaving || !machine.connection.isOpen) continue;
    const count = Math.min(left, machine.offer.hosts);
    chosen.push({ machine, count });
    left -= count;
  }
  if (left > 0) return undefined;
  chosen.sort((a, b) => NATURAL.compare(a.machine.name, b.machine.name));
  const places: Place[] = [];
  let first = 0;
  for (const { machine, count } of chosen) {
    for (const packed of partition(count, Math.min(count, machine.offer.processes))) {
      const start = first;
      places.push({ machine, hosts: packed.map((host) => start + host) });
    }
    first += count;
  }
  return places;
}

/** `host1 (node-2, 192.0.2.1, pid 4711)`. */
export function nameOfHosts(machine: Machine, hosts: readonly number[], pid: number): string {
  const from = machine.address === '' ? '' : `, ${machine.address}`;
  return `${hostLabel(hosts)} (${machine.name}${from}${pid === 0 ? '' : `, pid ${pid}`})`;
}

/** `node-2` before `node-10`, the same on every machine. */
const NATURAL = new Intl.Collator('en', { numeric: true });
