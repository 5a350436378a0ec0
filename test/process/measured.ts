/**
 * Workloads planned and measured as the command does it, by its build, in this process: at once, or on host processes
 * that stand for several runs. A file of tests that start a command for each run spends its time on starting.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Embedded from '../../coordinator/embedded/embedded-cluster.js';
import type * as Private from '../../coordinator/cluster/private-cluster.js';
import type * as Config from '../../coordinator/plan/cluster-config.js';
import type * as Settings from '../../coordinator/plan/parameters.js';
import type * as Programs from '../../coordinator/plan/programs.js';
import type * as WorkPlan from '../../coordinator/plan/work-plan.js';
import type * as Measure from '../../coordinator/run/measure.js';
import type { Results } from '../../coordinator/report/results.js';
import type { PrivateCluster } from '../../coordinator/cluster/private-cluster.js';
import { reproducible, ROOT, scratch } from './pinwire.js';

const built = (room: string, file: string): Promise<unknown> =>
  import(pathToFileURL(join(ROOT, 'dist', 'coordinator', room, `${file}.js`)).href);
const { EmbeddedCluster } = (await built('embedded', 'embedded-cluster')) as typeof Embedded;
const privateCluster = (await built('cluster', 'private-cluster')) as typeof Private;
const { clusterConfig, clusterInfo, hostsAskedFor } = (await built(
  'plan',
  'cluster-config',
)) as typeof Config;
const { parseSettings } = (await built('plan', 'parameters')) as typeof Settings;
const { resolveWorkload } = (await built('plan', 'programs')) as typeof Programs;
const { hostsFor, planWorkload } = (await built('plan', 'work-plan')) as typeof WorkPlan;
const { Measured, measure, unheard } = (await built('run', 'measure')) as typeof Measure;

export interface Wanted {
  /** As `run` takes it. */
  readonly workload: string;
  /** As `--set` has them. */
  readonly set?: readonly string[];
  /** Where the work is done as well: placement, processes. */
  readonly options?: Config.ClusterOptions;
  readonly capture?: boolean;
}

export interface Outcome extends Pick<Results, 'cluster' | 'results'> {
  /** What must not depend on where the work was done. */
  readonly reproducible: string;
  /** pcapng by host; empty unless asked for. Of workloads with one configuration. */
  readonly captures: readonly Uint8Array[];
}

/** Host processes that were started, by how the hosts are spread over them: nothing else is decided before a run. */
export class StandingHosts {
  /** Lines that the processes printed. */
  readonly printed: string[] = [];
  private readonly clusters = new Map<string, Promise<PrivateCluster>>();

  async run({ workload, set = [], options = {}, capture = false }: Wanted): Promise<Outcome> {
    const resolved = await resolveWorkload(workload, scratch(), 'private');
    const config = clusterConfig(options, hostsAskedFor(options) ?? hostsFor([resolved]));
    const planned = planWorkload(resolved, parseSettings(set), config);
    const embedded = new EmbeddedCluster(planned.workload.program);
    const place = config.placement === 'embedded' ? embedded : await this.on(config);
    const directory = scratch();
    const measured = new Measured();
    const how = { config, capture: capture ? directory : undefined, ...unheard() };
    await measure(place, [planned], measured, how, ignore);
    const told = { cluster: clusterInfo(config), results: measured.results };
    const captures = Array.from({ length: capture ? config.hosts : 0 }, (_, host) =>
      place === embedded
        ? [...embedded.known.at(-1)!.captures.values()][host]!
        : readFileSync(join(directory, `host${host}.pcapng`)),
    );
    return { ...told, captures, reproducible: reproducible(told) };
  }

  async stop(): Promise<void> {
    const clusters = await Promise.all(this.clusters.values());
    await Promise.all(clusters.map((each) => each.stop()));
  }

  private on(config: Config.ClusterConfig): Promise<PrivateCluster> {
    const spread = JSON.stringify(config.partition);
    const standing = this.clusters.get(spread);
    if (standing !== undefined) return standing;
    const print = (line: string): number => this.printed.push(line);
    const options = { programs: privateCluster.TRUSTED, print };
    const launched = privateCluster.PrivateCluster.launch(config, options, ignore);
    this.clusters.set(spread, launched);
    return launched;
  }
}

function ignore(): void {
  // Nobody watches.
}
