/** The topologies that a run may name: one switch between all hosts, and two hosts back to back. */
import type { RunSpec, TopologyName } from '../../spec/run-spec.js';
import { Layout } from './layout.js';
import { TailDrop } from './queue-policy.js';
import type { Link, Topology } from './topology.js';

interface NamedTopology extends Topology {
  /** Why it cannot join `hosts` hosts, or undefined. */
  problem(hosts: number): string | undefined;
}

/** Host n is on port n + 1 of the one switch, which has a buffer at each output port. */
const STAR: NamedTopology = {
  build: ({ hosts }) => {
    const links = Array.from({ length: hosts }, (_, host): Link => ({
      a: { element: host, port: 1 },
      b: { element: hosts, port: host + 1 },
    }));
    const policy = ({ switch: { buffer } }: RunSpec['profile']): TailDrop => new TailDrop(buffer);
    return new Layout(hosts, [{ ports: hosts, sharesBuffer: false, policy }], links);
  },
  problem: () => undefined,
};

const CABLE: NamedTopology = {
  build: ({ hosts }) => {
    const link: Link = { a: { element: 0, port: 1 }, b: { element: 1, port: 1 } };
    return new Layout(hosts, [], hosts > 1 ? [link] : []);
  },
  problem: (hosts) => (hosts > 2 ? `a cable joins 2 hosts, not ${hosts}` : undefined),
};

const BY_NAME: Readonly<Record<TopologyName, NamedTopology>> = { switch: STAR, direct: CABLE };

/** The fabric of a run. */
export const layoutOf = (spec: Pick<RunSpec, 'topology' | 'hosts' | 'profile'>): Layout =>
  BY_NAME[spec.topology].build(spec);

/** Why hosts cannot be joined so, or undefined. */
export const topologyProblem = (name: TopologyName, hosts: number): string | undefined =>
  BY_NAME[name].problem(hosts);
