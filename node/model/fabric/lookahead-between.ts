/**
 * The lookahead between the processes of a run: the least that lies between a frame's commit in one host and its arrival
 * at the next element, which another process evaluates. Noise and faults only lengthen it, so the profile's own values are
 * the least. A switch port acts on the head of a frame, the end of a cable on its last bit.
 */
import { Lookahead } from '../../../sim/lookahead.js';
import type { Picoseconds } from '../../../units/time.js';
import { transferTime } from '../../../units/rate.js';
import { BTH_LENGTH } from '../../../wire/bth.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import type { Profile } from '../../spec/profile.js';
import { PATH_LENGTH } from '../../../wire/path.js';
import type { RunSpec } from '../../spec/run-spec.js';

/** Ethernet, IPv4, UDP, BTH, ICRC: no RoCEv2 frame is shorter. */
export const LEAST_FRAME = PATH_LENGTH + BTH_LENGTH + ICRC_LENGTH;

export function leastFlight(
  { nic, link, switch: device, management }: Profile,
  topology: RunSpec['topology'],
): Picoseconds {
  const last =
    topology === 'direct' ? transferTime(LEAST_FRAME + link.framing, link.rate) : device.latency.ps;
  const flight = nic.tx.ps + link.propagation + link.fec + last;
  return Math.min(flight, management.latency) as Picoseconds;
}

/**
 * The least time from a frame's arrival to a commit that it causes: what is left of its way, and the NIC's receive
 * pipeline. A program that hears something over the out-of-band network pays the system call, and may then have its
 * NIC send at once: a `modify` that ends a drain does, whatever doorbells take.
 */
export function leastReaction(
  { nic, link, cpu }: Profile,
  topology: RunSpec['topology'],
): Picoseconds {
  const rest =
    topology === 'direct'
      ? 0
      : transferTime(LEAST_FRAME + link.framing, link.rate) + link.propagation + link.fec;
  return Math.min(rest + nic.rx.ps, cpu.syscall.ps) as Picoseconds;
}

/** Equal for every pair of processes: every pair of hosts has the same fabric between them. */
export const lookaheadBetween = (
  processes: number,
  { profile, topology }: Pick<RunSpec, 'profile' | 'topology'>,
): Lookahead =>
  Lookahead.uniform(processes, leastFlight(profile, topology), leastReaction(profile, topology));

/** Time per byte by which a frame's last bit follows its arrival at the element that another process evaluates. */
export const tailRate = ({ profile, topology }: Pick<RunSpec, 'profile' | 'topology'>): number =>
  topology === 'direct' ? 0 : profile.link.rate;
