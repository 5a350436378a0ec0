/**
 * How long a frame is on its way from one place to the next at the least (`layout.ts`), and a process from a frame's
 * arrival to a commit: the lookahead between the processes of a run. Noise and faults only lengthen it, so the
 * profile's own values are the least. An output port acts on the head of a frame, a host on its last bit.
 */
import { Lookahead } from '../../../sim/lookahead.js';
import type { Picoseconds } from '../../../units/time.js';
import { transferTime } from '../../../units/rate.js';
import { BTH_LENGTH } from '../../../wire/bth.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import { PATH_LENGTH } from '../../../wire/path.js';
import type { Profile } from '../../spec/profile.js';
import type { Layout, PlacedSwitch } from './layout.js';

/** Ethernet, IPv4, UDP, BTH, ICRC: no RoCEv2 frame is shorter. */
export const LEAST_FRAME = PATH_LENGTH + BTH_LENGTH + ICRC_LENGTH;

/** From what is evaluated beside any host of `from` to what is beside any of `to`. */
interface Hop {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly length: number;
}

/** The least time from an arrival beside `host` to a commit, or to leaving the place again, that it causes. */
interface Reaction {
  readonly host: number;
  readonly length: number;
}

/** The least time between two hosts, by whatever network: 0 cannot be simulated in virtual time. */
export const leastFlight = (layout: Layout, profile: Profile): Picoseconds =>
  hopsOf(layout, profile).reduce<number>(
    (least, { length }) => Math.min(least, length),
    profile.management.latency,
  ) as Picoseconds;

/** `placement[host]` is the process that runs the host. */
export function lookaheadOf(
  layout: Layout,
  profile: Profile,
  placement: ArrayLike<number>,
  processes: number,
): Lookahead {
  const direct = new Float64Array(processes * processes).fill(profile.management.latency);
  for (const { from, to, length } of hopsOf(layout, profile)) {
    const receivers = processesOf(to, placement);
    for (const sender of processesOf(from, placement)) {
      for (const receiver of receivers) {
        const at = sender * processes + receiver;
        if (length < direct[at]!) direct[at] = length;
      }
    }
  }
  // A program that hears something over the out-of-band network pays the system call, and may then have its NIC send at
  // once: a `modify` that ends a drain does, whatever doorbells take.
  const reaction = new Float64Array(processes).fill(profile.cpu.syscall.ps);
  for (const { host, length } of reactionsOf(layout, profile)) {
    const process = placement[host]!;
    if (length < reaction[process]!) reaction[process] = length;
  }
  return new Lookahead(processes, direct, reaction);
}

const processesOf = (hosts: readonly number[], placement: ArrayLike<number>): Set<number> =>
  new Set(hosts.map((host) => placement[host]!));

/** The least frame on a link, and a link from end to end. */
const leastSerialization = ({ link }: Profile): number =>
  transferTime(LEAST_FRAME + link.framing, link.rate);
const cable = ({ link }: Profile): number => link.propagation + link.fec;

function hopsOf(layout: Layout, profile: Profile): Hop[] {
  const { hosts, switches, uplinks } = layout;
  const { nic } = profile;
  const wire = cable(profile);
  const tail = leastSerialization(profile);
  const intoSwitch = wire + profile.switch.latency.ps;
  const hostsOn = switches.map((): number[] => []);
  const hops: Hop[] = [];
  for (const [host, uplink] of uplinks.entries()) {
    if (uplink === undefined) continue;
    if (uplink.element >= hosts) hostsOn[uplink.element - hosts]!.push(host);
    else hops.push({ from: [host], to: [uplink.element], length: nic.tx.ps + tail + wire });
  }
  for (const [at, each] of switches.entries()) {
    hops.push({ from: hostsOn[at]!, to: portHomes(each), length: nic.tx.ps + intoSwitch });
    for (const [port, peer] of each.peers.entries()) {
      if (peer === undefined) continue;
      const home = each.homes[port]!;
      if (peer.element >= hosts) {
        const to = portHomes(switches[peer.element - hosts]!);
        hops.push({ from: [home], to, length: intoSwitch });
      } else if (peer.element !== home) {
        hops.push({ from: [home], to: [peer.element], length: tail + wire });
      }
    }
  }
  return hops;
}

const portHomes = ({ peers, homes }: PlacedSwitch): number[] =>
  Array.from(homes).filter((_, port) => peers[port] !== undefined);

function reactionsOf({ hosts, switches }: Layout, profile: Profile): Reaction[] {
  const { rx } = profile.nic;
  const rest = leastSerialization(profile) + cable(profile);
  const reactions: Reaction[] = [];
  const lastPorts = new Set<number>();
  for (const { homes, peers } of switches) {
    for (const [port, peer] of peers.entries()) {
      if (peer === undefined) continue;
      const home = homes[port]!;
      if (peer.element !== home) reactions.push({ host: home, length: 0 });
      else lastPorts.add(home);
    }
  }
  for (let host = 0; host < hosts; host++) {
    reactions.push({ host, length: (lastPorts.has(host) ? rest : 0) + rx.ps });
  }
  return reactions;
}
