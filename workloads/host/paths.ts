/**
 * `host/paths`: the same request and response by four paths through the host. Latency is half a round trip.
 *
 *     kernel     TCP, blocking calls: system call, copy, stack; at the peer interrupt, softirq, stack, wake-up, copy
 *     busy-poll  the same sockets with SO_BUSY_POLL: the receiving program polls the NIC's queue inside its call
 *     bypass     the same TCP as a library of the program, over a queue of raw frames that it owns
 *     rdma       SENDs over a reliable connection, completions polled: micro/send-lat
 *
 * Each host has one receive queue, served by the core that the program runs on: nothing moves between cores. With
 * `protocol=udp`, `echo` is what one datagram takes of the answering core over the kernel's sockets: stack in,
 * scheduler and wake-up, copy in, return, system call, copy out, stack out. The interrupt is not in it.
 */
import { formatSize } from '../../units/size.js';
import type { Core, Task } from '../../node/program/verbs.js';
import type { LatencyRecord } from '../authoring/latency-recorder.js';
import { latencyResult, PAIR, runLatency } from '../micro/latency.js';
import type { MicroParameters } from '../micro/parameters.js';
import { SEND_LAT } from '../micro/send-lat.js';
import { comparePaths } from '../authoring/paths.js';
import type { SideReport } from '../micro/side.js';
import { latencySummary } from '../authoring/statistics.js';
import { defineWorkload, type ConfigurationResult, type Summary } from '../authoring/workload.js';
import { PATHS_PARAMETERS, pathsConfigurations, type PathsParameters } from './paths-parameters.js';
import { echoOverSockets, type EchoRecord } from './socket-echo.js';

type PathReport = SideReport<EchoRecord | LatencyRecord | null>;

async function program(core: Core, task: Task<PathsParameters>): Promise<PathReport> {
  if (task.params.path !== 'rdma') return echoOverSockets(core, task);
  const { size, iterations, warmup } = task.params;
  const params: MicroParameters = {
    size,
    iterations,
    warmup,
    outstanding: 1,
    inline: 'auto',
    qps: 1,
    type: 'RC',
    op: 'fetch-add',
  };
  return runLatency(SEND_LAT, core, { ...task, params });
}

function summarise(results: readonly PathReport[], { path, protocol }: PathsParameters): Summary {
  if (path === 'rdma') return latencyResult(results as SideReport<LatencyRecord | null>[]);
  const reports = results as SideReport<EchoRecord>[];
  const summary = latencyResult(
    reports.map((report) => ({ ...report, measured: report.measured?.latency ?? null })),
  );
  const [asking, answering] = reports.map(({ measured }) => measured?.spent);
  if (protocol !== 'udp' || path === 'bypass' || summary.stages === undefined) return summary;
  const own = answering!.map((sum, operation) => sum - asking![operation]!);
  return { ...summary, metrics: [...summary.metrics, latencySummary(own, 'echo')] };
}

/** At the smallest size, the middle one and the largest. */
function compare(results: readonly ConfigurationResult<PathsParameters>[]): Summary | undefined {
  const sizes = [...new Set(results.map(({ params }) => params.size))];
  sizes.sort((a, b) => a - b);
  const compared = [0, sizes.length >> 1, sizes.length - 1].map((index) => sizes[index]);
  return comparePaths(results, ({ size }) =>
    compared.includes(size) ? formatSize(size).replace(' ', '') : undefined,
  );
}

export default defineWorkload({
  name: 'host/paths',
  summary: 'A request and its response through the kernel, busy polling, kernel bypass and RDMA',
  hosts: 2,
  minHosts: 2,
  parameters: PATHS_PARAMETERS,
  configurations: pathsConfigurations,
  machine: () => ({ queues: 1 }),
  place: () => PAIR,
  program,
  summarise,
  compare,
});
