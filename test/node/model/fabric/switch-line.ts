/**
 * Two switches in a line: even hosts on the first, odd ones on the second, and one link between them.
 *
 *     host0, host2, ... - switch0 - switch1 - host1, host3, ...
 */
import { Layout } from '../../../../node/model/fabric/layout.js';
import type { QueuePolicy } from '../../../../node/model/fabric/queue-policy.js';
import { TailDrop } from '../../../../node/model/fabric/queue-policy.js';
import type { Link, SwitchPlan, Topology } from '../../../../node/model/fabric/topology.js';

/** `sharesBuffer` has each switch evaluated in one process; `policy` instead of the profile's buffers. */
export const switchLine = (
  sharesBuffer: boolean,
  policy: () => QueuePolicy = () => new TailDrop(Infinity),
): Topology => ({
  build: ({ hosts }) => {
    const links = Array.from({ length: hosts }, (_, host): Link => {
      const port = (host >> 1) + 2;
      return { a: { element: host, port: 1 }, b: { element: hosts + (host & 1), port } };
    });
    links.push({ a: { element: hosts, port: 1 }, b: { element: hosts + 1, port: 1 } });
    const plan: SwitchPlan = { ports: (hosts >> 1) + 2, sharesBuffer, policy };
    return new Layout(hosts, [plan, plan], links);
  },
});
