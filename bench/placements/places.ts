/**
 * Drawn runs, planned and measured as the command does it: embedded in this process, or on host processes that stand
 * for several runs. They are started when they are first needed; when they become too many, those go that were not
 * needed for longest.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivateCluster, TRUSTED } from '../../coordinator/cluster/private-cluster.js';
import { CAPTURES, EmbeddedCluster } from '../../coordinator/embedded/embedded-cluster.js';
import { RunError } from '../../coordinator/errors/run-error.js';
import {
  clusterConfig,
  clusterInfo,
  type ClusterConfig,
  type ClusterOptions,
} from '../../coordinator/plan/cluster-config.js';
import { checkSettings, parseSettings } from '../../coordinator/plan/parameters.js';
import { resolveWorkload } from '../../coordinator/plan/programs.js';
import { planWorkload, type PlannedWorkload } from '../../coordinator/plan/work-plan.js';
import type { WorkloadResult } from '../../coordinator/report/results.js';
import { Measured, measure, unheard } from '../../coordinator/run/measure.js';
import type { RunPlace } from '../../coordinator/run/run-place.js';
import type { Draw } from '../digests/draw.js';
import type { Placement } from './placed-draw.js';

/** What a run came to, as far as no placement may change it. */
export interface Outcome {
  readonly cluster: object;
  readonly results: readonly WorkloadResult[];
  /** How it failed, if it did. */
  readonly error: string | undefined;
  /** SHA-256 of every capture, by host. */
  readonly captures: Readonly<Record<string, string>>;
  readonly packets: number;
  readonly events: number;
}

/** Host processes that may stand at the same time. */
const MOST_STANDING = 10;

interface Work {
  readonly config: ClusterConfig;
  readonly planned: PlannedWorkload;
  readonly seconds: number;
}

export class Places {
  /** By how the hosts are spread over them, which alone is decided before a run; the one used last is last. */
  private readonly standing = new Map<string, PrivateCluster>();
  private readonly scratch = mkdtempSync(join(tmpdir(), 'pinwire-placements-'));
  private readonly interrupted = new AbortController();
  private readonly print: (line: string) => void;

  /** `print` takes what the processes print, line by line. */
  constructor(print: (line: string) => void) {
    this.print = print;
  }

  /** A run that is not done within `seconds` has failed. */
  async run(drawn: Draw, placement: Placement, seconds: number): Promise<Outcome> {
    const resolved = await resolveWorkload(drawn.workload, this.scratch, 'private');
    const settings = parseSettings(
      Object.entries(drawn.settings).map(([name, value]) => `${name}=${value}`),
    );
    checkSettings(settings, [resolved]);
    const options = optionsOf(drawn, placement);
    const config = clusterConfig(options, Number(options.hosts));
    const planned = planWorkload(resolved, settings, config);
    return config.placement === 'embedded'
      ? this.embedded(drawn, { config, planned, seconds })
      : this.onProcesses(drawn, { config, planned, seconds });
  }

  private async embedded(drawn: Draw, work: Work): Promise<Outcome> {
    const cluster = new EmbeddedCluster(work.planned.workload.program);
    const capture = isCaptured(drawn) ? CAPTURES : undefined;
    const outcome = await this.measured(cluster, work, capture);
    const runs = cluster.known.map(({ captures }) => captures);
    return { ...outcome, captures: hashes(runs.flatMap((captures) => [...captures])) };
  }

  private async onProcesses(drawn: Draw, work: Work): Promise<Outcome> {
    const { config, planned } = work;
    const cluster = await this.clusterFor(config);
    const directory = mkdtempSync(join(this.scratch, 'captures-'));
    const capture = isCaptured(drawn) ? directory : undefined;
    const outcome = await this.measured(cluster, work, capture);
    // It may have lost a process.
    if (outcome.error !== undefined) await this.end(cluster);
    const count = planned.configurations.length;
    const names = Array.from({ length: capture === undefined ? 0 : count }, (_, run) =>
      Array.from({ length: config.hosts }, (_, host) =>
        count === 1 ? `host${host}` : `${run + 1}/host${host}`,
      ),
    ).flat();
    const files = names.map((name) => [name, read(join(directory, `${name}.pcapng`))] as const);
    rmSync(directory, { recursive: true, force: true });
    return { ...outcome, captures: hashes(files) };
  }

  private async measured(
    place: RunPlace,
    { config, planned, seconds }: Work,
    capture: string | undefined,
  ): Promise<Omit<Outcome, 'captures'>> {
    const measured = new Measured();
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new RunError(`was not done within ${seconds} s`));
    }, seconds * 1000);
    const signal = AbortSignal.any([this.interrupted.signal, late.signal]);
    let error: string | undefined;
    try {
      await measure(place, [planned], measured, { config, capture, ...unheard(), signal }, ignore);
    } catch (failure) {
      if (!(failure instanceof RunError)) throw failure;
      error = failure.message.replaceAll(/ \(pid \d+\)/g, '');
    } finally {
      clearTimeout(timer);
    }
    const { packets, events } = measured;
    // As the file of results has them: without what is there for people only.
    const results = measured.results.map(({ counted: _, ...result }) => result);
    return { cluster: clusterInfo(config), results, error, packets, events };
  }

  private async clusterFor(config: ClusterConfig): Promise<PrivateCluster> {
    const spread = JSON.stringify(config.partition);
    const known = this.standing.get(spread);
    if (known !== undefined) {
      this.standing.delete(spread);
      this.standing.set(spread, known);
      return known;
    }
    for (const [, longestIdle] of this.standing) {
      if (this.processes + config.partition.length <= MOST_STANDING) break;
      await this.end(longestIdle);
    }
    const options = { programs: TRUSTED, print: this.print };
    return PrivateCluster.launch(config, options, (launched) => {
      this.standing.set(spread, launched);
    });
  }

  private get processes(): number {
    return [...this.standing.values()].reduce((sum, { processes }) => sum + processes.size, 0);
  }

  private async end(cluster: PrivateCluster): Promise<void> {
    for (const [spread, each] of this.standing) {
      if (each === cluster) this.standing.delete(spread);
    }
    await cluster.stop();
  }

  /** Ends what is under way in order; nothing is left afterwards. */
  async stop(): Promise<void> {
    this.interrupted.abort(new RunError('interrupted'));
    await Promise.allSettled([...this.standing.values()].map((each) => each.stop()));
    this.clear();
  }

  /** Ends everything at once. Safe in an 'exit' handler. */
  kill(): void {
    for (const each of this.standing.values()) each.kill();
    this.clear();
  }

  private clear(): void {
    rmSync(this.scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

const isCaptured = ({ options }: Draw): boolean => options['capture'] !== undefined;

/** As the command line has them. */
function optionsOf({ options }: Draw, placement: Placement): ClusterOptions {
  const texts = Object.entries({ ...options, ...placement }).filter(([name]) => name !== 'capture');
  return Object.fromEntries(
    texts.map(([name, value]) => [name, REPEATED.has(name) ? [String(value)] : String(value)]),
  );
}

const REPEATED = new Set(['fault', 'override']);

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    // A run that failed may not have come to its capture.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array();
    throw error;
  }
}

const hashes = (files: readonly (readonly [string, Uint8Array])[]): Record<string, string> =>
  Object.fromEntries(
    files.map(([name, bytes]) => [
      name,
      `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`,
    ]),
  );

function ignore(): void {
  // Nobody waits for it.
}
