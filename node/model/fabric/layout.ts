/**
 * A fabric's plan: which elements there are, which links join them, the route to every host, and beside which host each
 * place is evaluated where a frame may wait. It is the same in all processes and holds no state of a run.
 *
 * A frame's way is a sequence of links and switches. What its head takes from one *place* to the next is fixed, so it
 * moves there in one step and is an event there; a place is an output port of a switch, or a host. An output port is
 * evaluated in the process of the host that it leads to, so that a frame's way ends there without another event. A port
 * that leads to a switch, and every port of a switch with a shared buffer, is evaluated in the process of the switch's
 * *home*, the nearest host.
 */
import { MAX_ELEMENTS } from '../../../units/elements.js';
import type { Link, LinkEnd, SwitchPlan } from './topology.js';

const NOBODY = -1;

/** A switch with what follows from the links. */
export interface PlacedSwitch {
  readonly element: number;
  readonly plan: SwitchPlan;
  /** By host: the output port towards it. */
  readonly routes: Uint16Array;
  /** By port: what its link leads to, and the host in whose process it is evaluated. Place 0 is nobody's. */
  readonly peers: readonly (LinkEnd | undefined)[];
  readonly homes: Int32Array;
}

export class Layout {
  readonly hosts: number;
  readonly links: readonly Link[];
  readonly switches: readonly PlacedSwitch[];
  /** What each host's cable leads to; a host alone has none. */
  readonly uplinks: readonly (LinkEnd | undefined)[];

  /** Throws where a link names what is not there, or there is no way from a switch to a host. */
  constructor(hosts: number, plans: readonly SwitchPlan[], links: readonly Link[]) {
    const elements = hosts + plans.length;
    if (elements > MAX_ELEMENTS) {
      throw new Error(`${elements} hosts and switches exceed the limit of ${MAX_ELEMENTS}`);
    }
    this.hosts = hosts;
    this.links = links;
    const peers = plans.map(({ ports }) => new Array<LinkEnd | undefined>(ports + 1));
    const uplinks = new Array<LinkEnd | undefined>(hosts);
    for (const { a, b } of links) {
      connect(a, b);
      connect(b, a);
    }
    this.uplinks = uplinks;
    const nextHops = plans.map((_, at) => firstPorts(hosts, at, peers));
    this.switches = plans.map((plan, at) => {
      const routes = routesOf(hosts, uplinks, peers[at]!, nextHops[at]!);
      const home = homeOf(hosts, at, peers);
      const homes = Int32Array.from(peers[at]!, (peer) =>
        peer !== undefined && peer.element < hosts && !plan.sharesBuffer ? peer.element : home,
      );
      return { element: hosts + at, plan, routes, peers: peers[at]!, homes };
    });

    function connect(own: LinkEnd, peer: LinkEnd): void {
      const ports = own.element < hosts ? uplinks : peers[own.element - hosts];
      const place = own.element < hosts ? own.element : own.port;
      const fits = own.element < hosts ? own.port === 1 : own.port >= 1;
      if (ports === undefined || !fits || place >= ports.length || ports[place] !== undefined) {
        throw new Error(`element ${own.element} has no free port ${own.port}`);
      }
      ports[place] = peer;
    }
  }

  /** The host in whose process a frame for host `destination` is acted on at `element`. */
  homeOf(element: number, destination: number): number {
    if (element < this.hosts) return element;
    const { homes, routes } = this.switches[element - this.hosts]!;
    return homes[routes[destination]!]!;
  }

  /** Whether that is an output port whose link ends in the same process: nothing but the host's NIC follows. */
  isLastPort(element: number, destination: number): boolean {
    return element >= this.hosts && this.homeOf(element, destination) === destination;
  }

  /**
   * The host in whose process a frame from `source` for `destination` was before it came to `element`; -1 if it never
   * does.
   */
  senderTo(element: number, source: number, destination: number): number {
    let sender = source;
    let at = this.uplinks[source]?.element;
    for (let hops = 0; at !== undefined && hops <= this.switches.length; hops++) {
      if (at === element) return sender;
      if (at < this.hosts) return NOBODY;
      sender = this.homeOf(at, destination);
      const { peers, routes } = this.switches[at - this.hosts]!;
      at = peers[routes[destination]!]?.element;
    }
    return NOBODY;
  }
}

/**
 * From switch `from`: the port towards each switch by a shortest way, the lowest of equals; 0 for none and for
 * itself.
 */
function firstPorts(
  hosts: number,
  from: number,
  peers: readonly (readonly (LinkEnd | undefined)[])[],
): Uint16Array {
  const first = new Uint16Array(peers.length);
  const reached = new Uint8Array(peers.length);
  reached[from] = 1;
  const queue = [from];
  for (const at of queue) {
    for (const [port, peer] of peers[at]!.entries()) {
      const next = peer === undefined ? -1 : peer.element - hosts;
      if (next < 0 || reached[next] === 1) continue;
      reached[next] = 1;
      first[next] = at === from ? port : first[at]!;
      queue.push(next);
    }
  }
  return first;
}

function routesOf(
  hosts: number,
  uplinks: readonly (LinkEnd | undefined)[],
  own: readonly (LinkEnd | undefined)[],
  firsts: Uint16Array,
): Uint16Array {
  const routes = new Uint16Array(hosts);
  for (const [host, uplink] of uplinks.entries()) {
    const next = uplink === undefined ? -1 : uplink.element - hosts;
    if (next >= 0) routes[host] = firsts[next]!;
  }
  for (const [port, peer] of own.entries()) {
    if (peer !== undefined && peer.element < hosts) routes[peer.element] = port;
  }
  const stranded = routes.indexOf(0);
  if (stranded >= 0) throw new Error(`a switch has no route to host${stranded}`);
  return routes;
}

/** The lowest host on the switch, or on the nearest switch that has one. */
function homeOf(
  hosts: number,
  from: number,
  peers: readonly (readonly (LinkEnd | undefined)[])[],
): number {
  const queue = [from];
  for (const at of queue) {
    let lowest = Infinity;
    for (const peer of peers[at]!) {
      if (peer === undefined) continue;
      if (peer.element < hosts) lowest = Math.min(lowest, peer.element);
      else if (!queue.includes(peer.element - hosts)) queue.push(peer.element - hosts);
    }
    if (lowest < Infinity) return lowest;
  }
  throw new Error('a fabric without hosts');
}
