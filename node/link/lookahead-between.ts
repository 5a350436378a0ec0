/**
 * The lookahead between the processes of a run: the least that lies between a frame's commit in one host and its arrival
 * at the next element, which another process evaluates. Noise only lengthens costs, so the profile's own
 * values are the least. Serialisation and the switch are left out: a lower bound is safe, and both lie behind it.
 */
import { Lookahead } from '../../sim/lookahead.js';
import { picoseconds, type Picoseconds } from '../../units/time.js';
import type { Profile } from '../profile.js';

export const leastFlight = ({ nic, link }: Profile): Picoseconds =>
  picoseconds(nic.tx.ps + link.propagation + link.fec);

/** Equal for every pair of processes: every pair of hosts has the same fabric between them. */
export const lookaheadBetween = (processes: number, profile: Profile): Lookahead =>
  Lookahead.uniform(processes, leastFlight(profile));
