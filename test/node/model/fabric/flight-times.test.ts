import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { leastFlight, lookaheadOf } from '../../../../node/model/fabric/flight-times.js';
import { layoutOf } from '../../../../node/model/fabric/topologies.js';
import type { Profile } from '../../../../node/spec/profile.js';
import { TOPOLOGY_NAMES, type TopologyName } from '../../../../node/spec/run-spec.js';
import type { Lookahead } from '../../../../sim/lookahead.js';
import { switchLine } from './switch-line.js';

/** Two hosts in a process each. */
const lookahead = (profile: Profile, topology: TopologyName): Lookahead =>
  lookaheadOf(layoutOf({ topology, hosts: 2, profile }), profile, [0, 1], 2);
const leastReaction = (profile: Profile, topology: TopologyName): number =>
  lookahead(profile, topology).reaction[1]!;

const TX = 250_000;
const CABLE = 10_000;
const DEVICE = 300_000;
/** 82 bytes and what frames them. */
const LEAST_FRAME = 82 * 80;

describe('the least reaction', () => {
  it.each(TOPOLOGY_NAMES)(
    'is the receive pipeline and what is left of the way, over a %s',
    (topology) => {
      const rx = (ns: number): number =>
        leastReaction(
          loadProfile('roce-100g', [`nic.rx=${ns}ns`, 'cpu.syscall=1ms', 'management.latency=1s']),
          topology,
        );
      const rest = rx(0);
      expect(rest).toBe(topology === 'direct' ? 0 : LEAST_FRAME + CABLE);
      expect(rx(300)).toBe(rest + 300_000);
    },
  );

  it.each(TOPOLOGY_NAMES)(
    'is no longer than the system call of a program that hears something and has its NIC send, over a %s',
    (topology) => {
      const slow = loadProfile('roce-100g', ['nic.rx=10us', 'nic.posted_write=1ns']);
      expect(leastReaction(slow, topology)).toBe(100_000);
    },
  );
});

describe('the least flight', () => {
  it('is the out-of-band network’s where that is faster than the fabric', () => {
    const flight = (profile: Profile, topology: TopologyName): number => {
      const least = leastFlight(layoutOf({ topology, hosts: 2, profile }), profile);
      expect(lookahead(profile, topology).direct(0, 1)).toBe(least);
      return least;
    };
    expect(flight(loadProfile('roce-100g', ['management.latency=5ns']), 'switch')).toBe(5_000);
    expect(flight(loadProfile('roce-100g', []), 'switch')).toBe(TX + CABLE + DEVICE);
    expect(flight(loadProfile('roce-100g', []), 'direct')).toBe(TX + LEAST_FRAME + CABLE);
  });
});

describe('a line of two switches', () => {
  const profile = loadProfile('roce-100g', []);
  const over = (sharesBuffer: boolean): Lookahead =>
    lookaheadOf(switchLine(sharesBuffer).build({ hosts: 4, profile }), profile, [0, 1, 2, 3], 4);

  it('has its middle ports beside the lowest hosts, which pass frames on at once', () => {
    const { reaction } = over(false);
    const rest = Math.min(LEAST_FRAME + CABLE + profile.nic.rx.ps, profile.cpu.syscall.ps);
    expect(Array.from(reaction)).toEqual([0, 0, rest, rest]);
    const from = (process: number): number[] =>
      [0, 1, 2, 3].map((to) => over(false).direct(process, to));
    const [near, onward] = [TX + CABLE + DEVICE, CABLE + DEVICE];
    // A NIC reaches the ports of its switch; the middle port those of the other one.
    expect(from(2)[0]).toBe(near);
    expect(from(2)[1]).toBe(profile.management.latency);
    expect(from(0)[1]).toBe(onward);
    expect(from(0)[3]).toBe(onward);
  });

  it('sends frames from a switch in one process to hosts in others, with their last bit', () => {
    const shared = over(true);
    expect(shared.reaction[0]).toBe(0);
    expect(shared.direct(0, 2)).toBe(LEAST_FRAME + CABLE);
    expect(shared.direct(0, 3)).toBe(profile.management.latency);
  });
});
