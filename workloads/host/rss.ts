/**
 * `host/rss`: packets of many flows, distributed over the cores that receive them.
 *
 * One host generates raw frames, the other has a program on each core, which reads a UDP port of its own by blocking
 * calls of the kernel. Receive queue q interrupts core q, whose softirq takes a frame up the stack and puts it into the
 * program's socket, whichever core that program runs on. Latency is measured first, lightly loaded: from the intended
 * send until the program has the packet. Then every core is offered more than it can serve, and the rate is what
 * programs read.
 *
 *   single    one queue takes everything: one core does all softirqs
 *   rss       a flow's hash chooses its queue
 *   spray     frames go to the queues in turn
 *   rfs       a flow comes to the queue of the core whose program reads it (accelerated RFS)
 *
 *   aligned   the program of a flow runs on the core that RSS chooses for it, as in a server that is sharded as its NIC is
 *   scattered programs get flows in turn, so RSS finds the program's core by chance only
 */
import type { Core, Task } from '../../node/program/verbs.js';
import { defineWorkload, type ClusterShape, type RankPlacement } from '../authoring/workload.js';
import { FlowSet } from './flow-set.js';
import { compareRss } from './rss-comparison.js';
import { generate, type GeneratorReport } from './rss-generator.js';
import { RSS_PARAMETERS, rssConfigurations, type RssParameters } from './rss-parameters.js';
import { GENERATOR_HOST, generatorsFor, SERVER_HOST } from './rss-schedule.js';
import { serve, type ServerReport } from './rss-server.js';
import { summariseRss } from './rss-summary.js';

function place(_params: RssParameters, { cores }: ClusterShape): RankPlacement[] {
  const on = (host: number, role: string, count: number): RankPlacement[] =>
    Array.from({ length: count }, (_, core) => ({ host, core, role }));
  return [
    ...on(SERVER_HOST, 'server', cores),
    ...on(GENERATOR_HOST, 'generator', generatorsFor(cores)),
  ];
}

const flowsOf = ({ flows, queues, placement }: RssParameters, programs: number): FlowSet =>
  new FlowSet(flows, { from: GENERATOR_HOST, to: SERVER_HOST, programs, queues, placement });

async function program(
  core: Core,
  { role, params, placement }: Task<RssParameters>,
): Promise<ServerReport | GeneratorReport> {
  const servers = placement.filter(({ host }) => host === SERVER_HOST).length;
  const flows = flowsOf(params, servers);
  const { rank, ranks } = core;
  if (role === 'server')
    return serve(core, params, flows, { program: rank, conductor: servers, servers });
  const place = { number: rank - servers, of: ranks - servers, conductor: servers, servers };
  return generate(core, params, flows, place);
}

export default defineWorkload({
  name: 'host/rss',
  summary: 'Packets of many flows, distributed over the cores that receive them',
  hosts: 2,
  minHosts: 2,
  parameters: RSS_PARAMETERS,
  configurations: rssConfigurations,
  machine: ({ queues }) => ({ queues }),
  place,
  program,
  summarise: (results, params, { cores }) => {
    return summariseRss(
      results.slice(0, cores) as ServerReport[],
      results.slice(cores) as GeneratorReport[],
      params,
      flowsOf(params, cores),
    );
  },
  compare: compareRss,
});
