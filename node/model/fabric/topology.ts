/**
 * What a topology is: a plan of switches and links for a number of hosts. The ones that there are stand in
 * `topologies.ts`.
 */
import type { Profile } from '../../spec/profile.js';
import type { Layout } from './layout.js';
import type { FramePool } from './frame-pool.js';
import type { QueuePolicy } from './queue-policy.js';

/** What a topology may know of a run. */
export interface FabricSpec {
  readonly hosts: number;
  readonly profile: Profile;
}

/** One end of a link. Ports of an element are numbered from 1. */
export interface LinkEnd {
  readonly element: number;
  readonly port: number;
}

/**
 * A cable between two ports, for both directions. A host has one, on its port 1. All have the profile's rate and
 * delay.
 */
export interface Link {
  readonly a: LinkEnd;
  readonly b: LinkEnd;
}

export interface SwitchPlan {
  readonly ports: number;
  /** Whether its ports share state, such as a buffer. Then the switch is one element, evaluated in one process. */
  readonly sharesBuffer: boolean;
  policy(profile: Profile, pool: FramePool): QueuePolicy;
}

export interface Topology {
  /** Elements: hosts have the numbers from 0 on, the switches those behind them. */
  build(spec: FabricSpec): Layout;
}
