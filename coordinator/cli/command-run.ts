/**
 * `run`, `suite` and `explain`: plan everything, launch a cluster or attach to one that is up, measure, write what was
 * measured. Whatever happens after that, no process is left and the results so far are written.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  clusterConfig,
  clusterInfo,
  describeCluster,
  hostsAskedFor,
  type ClusterConfig,
  type ClusterOptions,
} from '../plan/cluster-config.js';
import {
  openAttached,
  readAttachment,
  type Attached,
  type AttachOptions,
} from '../cluster/attachment.js';
import { configurationText } from '../plan/configuration-text.js';
import { attachedConfig } from '../plan/attached-config.js';
import { watchInterruptions, type Interruption } from '../terminal/interruption.js';
import { Measured, measure } from '../run/measure.js';
import { DEFAULT_HOSTS } from '../plan/run-options.js';
import { isWorse, seedLine, type SeedOutcome } from './seed-outcome.js';
import { readSeeds } from '../options/seeds.js';
import { readChoice } from '../options/option-values.js';
import { checkSettings, kindsOf, parseSettings, type Setting } from '../plan/parameters.js';
import {
  DEFAULT_OUT,
  prepareOutputs,
  STANDARD_OUTPUT,
  writeOutputs,
  type Outputs,
} from '../report/outputs.js';
import { formatPerftest } from '../report/perftest-format.js';
import { PrivateCluster, TRUSTED } from '../cluster/private-cluster.js';
import { Progress } from '../terminal/progress.js';
import {
  moduleDirectory,
  resolveSuite,
  resolveWorkload,
  type ResolvedWorkload,
} from '../plan/programs.js';
import {
  formatResults,
  RESULTS_SCHEMA,
  type Results,
  type WorkloadResult,
} from '../report/results.js';
import { RunError } from '../errors/run-error.js';
import { costInfo, describeCost } from '../run/run-cost.js';
import type { RunPlace } from '../run/run-place.js';
import { shellCommand } from '../terminal/shell-command.js';
import { formatTables } from '../report/tables.js';
import type { Terminal } from '../terminal/terminal.js';
import { VERSION } from '../terminal/version.js';
import { formatWaterfall } from '../report/waterfall.js';
import { UsageError } from '../errors/usage-error.js';
import { hostsFor, planWorkload, type PlannedWorkload } from '../plan/work-plan.js';

export interface RunOptions extends ClusterOptions, AttachOptions {
  readonly set?: readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly json?: string | undefined;
  readonly hgrm?: string | undefined;
  readonly out?: string | undefined;
  readonly capture?: string | undefined;
  readonly seeds?: string | undefined;
  readonly quiet?: boolean | undefined;
}

export interface RunCommand {
  readonly kind: 'run' | 'suite' | 'explain';
  /** Workloads; of `suite` the suite's name alone. */
  readonly names: readonly string[];
  readonly options: RunOptions;
  readonly argv: readonly string[];
}

/** How long an interrupted run has to say what it knows. */
const LAST_WORDS_MS = 1_500;
/** A signal to the whole group can end a host process before our own copy of it arrives. */
const SIGNAL_RACE_MS = 100;

/** The exit status: 0 done and verified, 1 failed, 130 interrupted. Throws a UsageError before anything starts. */
export async function runCommand(command: RunCommand, terminal: Terminal): Promise<number> {
  const modules = mkdtempSync(join(tmpdir(), 'pinwire-run-'));
  const removeModules = (): void => rmSync(modules, { recursive: true, force: true });
  process.once('exit', removeModules);
  try {
    const plan = await planCommand(command, modules, terminal);
    return plan === undefined ? 130 : await new Session(command, plan, terminal).whole();
  } finally {
    removeModules();
    process.off('exit', removeModules);
  }
}

interface Plan {
  readonly config: ClusterConfig;
  readonly plan: readonly PlannedWorkload[];
  /** The cluster that is up elsewhere; undefined: one is to be launched. */
  readonly attached: Attached | undefined;
  /** The same on a cluster of another seed: workloads may depend on it. */
  readonly planFor: (config: ClusterConfig) => readonly PlannedWorkload[];
  /** Of `--seeds`. */
  readonly seeds: readonly number[] | undefined;
}

/** Undefined if the user interrupted. */
async function planCommand(
  command: RunCommand,
  modules: string,
  terminal: Terminal,
): Promise<Plan | undefined> {
  const { kind, names, options } = command;
  readFormat(options);
  const attach = readAttachment(options);
  const asked = hostsAskedFor(options);
  const settings = parseSettings(options.set ?? []);
  const seeds = seedsOf(options);
  const members =
    kind === 'suite' ? names.flatMap(resolveSuite) : names.map((name) => ({ name, params: {} }));
  const resolved: (ResolvedWorkload & { readonly own: readonly Setting[] })[] = [];
  const destination = attach === undefined ? 'private' : 'attached';
  for (const [index, { name, params = {} }] of members.entries()) {
    const own = Object.entries(params).map(([key, value]): Setting => [key, String(value)]);
    const workload = await resolveWorkload(name, moduleDirectory(modules, index), destination);
    resolved.push({ ...workload, own });
  }
  checkSettings(settings, resolved);
  const usual = kind === 'suite' ? DEFAULT_HOSTS : hostsFor(resolved);
  const given = seeds === undefined ? options : { ...options, seed: String(seeds[0]) };
  const own = clusterConfig(given, asked ?? usual);
  if (own.placement === 'joined') {
    throw new UsageError(
      '--placement joined: applies to `up` only; use --attach to run on such a cluster',
    );
  }
  prepareOutputs(outputsOf(command), options.capture);
  const planFor = (config: ClusterConfig): PlannedWorkload[] =>
    resolved.map(({ own, ...each }) => planWorkload(each, [...own, ...settings], config));
  const ways = { planFor, seeds };
  if (attach === undefined)
    return { config: own, plan: planFor(own), attached: undefined, ...ways };

  const attached = await openAttached(attach, options, `${kind} ${names.join(' ')}`, terminal);
  if (attached === undefined) return undefined;
  try {
    const config = attachedConfig(given, attached.config, attached.url);
    return { config, plan: planFor(config), attached, ...ways };
  } catch (error) {
    await attached.cluster.stop();
    throw error;
  }
}

function seedsOf({ seeds, seed, capture }: RunOptions): number[] | undefined {
  if (seeds === undefined) return undefined;
  if (seed !== undefined) throw new UsageError('--seeds: conflicts with --seed');
  if (capture !== undefined)
    throw new UsageError('--seeds: conflicts with --capture, which records a single seed');
  return readSeeds(seeds);
}

const outputsOf = ({ kind, options: { json, hgrm, out } }: RunCommand): Outputs => ({
  json,
  hgrm,
  out: out ?? (kind === 'explain' ? undefined : DEFAULT_OUT),
});

const readFormat = ({ format = 'table' }: RunOptions): 'table' | 'perftest' =>
  readChoice('--format', format, ['table', 'perftest']);

/** A command from launch to the last process's end. */
class Session {
  private readonly command: RunCommand;
  /** With `--seeds` that of the seed which runs, at the end of the worst. */
  private config: ClusterConfig;
  private plan: readonly PlannedWorkload[];
  private readonly planFor: Plan['planFor'];
  private readonly seeds: readonly number[] | undefined;
  private readonly terminal: Terminal;
  private readonly progress: Progress;
  private measured = new Measured();
  private readonly when = new Date();
  /** How many of its results were shown. */
  private shown = 0;
  /** Why it ended before its time. */
  private error: string | undefined;
  /** Gives the run up that is under way. */
  private readonly cancel = new AbortController();
  /** Undefined while it is being launched. */
  private place: RunPlace | undefined;
  private readonly attached: Attached | undefined;

  constructor(command: RunCommand, planned: Plan, terminal: Terminal) {
    const { config, plan, attached, planFor, seeds } = planned;
    this.command = command;
    this.config = config;
    this.plan = plan;
    this.planFor = planFor;
    this.seeds = seeds;
    this.attached = attached;
    this.place = attached?.cluster;
    this.terminal = terminal;
    this.progress = new Progress(terminal, command.options.quiet === true);
  }

  async whole(): Promise<number> {
    const { terminal, config, attached, command, seeds } = this;
    const where = attached && `attached to ${attached.url}`;
    const drawn = seeds === undefined ? `seed ${config.seed}` : `seeds ${command.options.seeds!}`;
    this.say(`${drawn}\n${describeCluster(config, where)}\n\n`);
    const interruption = watchInterruptions(() => this.place?.kill());
    let status: number;
    try {
      status = await this.work(interruption);
    } finally {
      this.progress.clear();
      await this.place?.stop();
      interruption.dispose();
    }
    const refused = this.place?.refused ?? 0;
    if (refused > 0) terminal.error(`refused ${refused} connections from outside the cluster`);
    await this.writeResults();
    return status;
  }

  private async work(interruption: Interruption): Promise<number> {
    const measuring = this.measureAll();
    try {
      await Promise.race([measuring, interruption.arrived]);
      return this.verdict();
    } catch (error) {
      this.progress.clear();
      // Configurations before the one that failed have their figures.
      this.show();
      if (error instanceof RunError && !interruption.isInterrupted) await sleep(SIGNAL_RACE_MS);
      if (interruption.isInterrupted) {
        this.error = 'interrupted';
        // The run that it cut short says how far it came.
        this.cancel.abort(new RunError(this.error));
        await Promise.race([measuring.catch(() => undefined), sleep(LAST_WORDS_MS)]);
        this.terminal.error(this.error);
        return 130;
      }
      if (!(error instanceof RunError)) throw error;
      this.error = error.message.split('\n', 1)[0]!;
      this.terminal.error(`pinwire: ${error.message}`);
      this.terminal.error(`repeat it: ${shellCommand(this.command.argv, this.config.seed)}`);
      return 1;
    }
  }

  private verdict(): number {
    const wrong = this.told().filter(({ verified }) => verified === false);
    for (const result of wrong) {
      this.terminal.error(`pinwire: ${configurationText(result)} did not verify`);
    }
    return wrong.length === 0 ? 0 : 1;
  }

  private async measureAll(): Promise<void> {
    if (this.seeds !== undefined) return this.sweep(this.seeds);
    const { config, command, progress, measured, plan } = this;
    const place = this.place ?? (await this.launch());
    const { capture } = command.options;
    const options = { config, capture, progress, ...this.hearing() };
    await measure(place, plan, measured, options, () => this.show());
  }

  private hearing(): { note: (line: string) => void; signal: AbortSignal } {
    return { note: (line) => this.printed(line), signal: this.cancel.signal };
  }

  /** Every seed on one cluster; what is left of them are the results of the worst. */
  private async sweep(seeds: readonly number[]): Promise<void> {
    let worst: SeedOutcome | undefined;
    for (const seed of seeds) {
      const outcome = await this.measureSeed(seed);
      this.progress.clear();
      this.say(`${seedLine(outcome, seeds.at(-1)!)}\n`);
      if (worst === undefined || isWorse(outcome, worst)) worst = outcome;
    }
    this.turnTo(worst!.seed);
    this.measured = worst!.measured;
    this.say(`\nworst seed: ${worst!.seed}\n\n`);
    this.show();
    if (worst!.error !== undefined) throw worst!.error;
  }

  private async measureSeed(seed: number): Promise<SeedOutcome> {
    this.turnTo(seed);
    const { config, progress, plan } = this;
    const measured = new Measured();
    const place = this.place ?? (await this.launch());
    const began = performance.now();
    let failure: RunError | undefined;
    try {
      const options = { config, capture: undefined, progress, ...this.hearing() };
      await measure(place, plan, measured, options, () => undefined);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      failure = error;
      // It may have lost a process: the next seed has a cluster of its own.
      if (this.attached === undefined) {
        this.place = undefined;
        await place.stop();
      }
    }
    return { seed, measured, error: failure, seconds: seconds(performance.now() - began) };
  }

  private turnTo(seed: number): void {
    this.config = { ...this.config, seed };
    this.plan = this.planFor(this.config);
  }

  private launch(): Promise<RunPlace> {
    const count = this.config.partition.length;
    this.progress.begin(`launching ${count} process${count === 1 ? '' : 'es'}`);
    return PrivateCluster.launch(
      this.config,
      { programs: TRUSTED, print: (line) => this.printed(line) },
      (launched) => (this.place = launched),
    );
  }

  /** The results that were not shown yet, as the user wants to see them. */
  private show(): void {
    const first = this.shown;
    const results = this.told().slice(first);
    this.shown = this.measured.results.length;
    this.progress.clear();
    if (results.length === 0 || this.command.options.json === STANDARD_OUTPUT) return;
    if (this.command.kind === 'explain') {
      // The waterfall is what was asked for: also with --quiet.
      this.terminal.write(results.map(formatWaterfall).join('\n'));
    } else if (readFormat(this.command.options) === 'perftest') {
      const { samples, times } = this.measured;
      const input = { samples: from(samples, first), times: from(times, first) };
      this.terminal.write(formatPerftest(results, input));
    } else {
      this.say(`${formatTables(results)}\n`);
    }
  }

  /** The results, with what their parameters are. */
  private told(): WorkloadResult[] {
    return this.measured.results.map((result) => {
      const planned = this.plan.find(({ name }) => name === result.workload);
      return planned === undefined ? result : { ...result, kinds: kindsOf(planned.workload) };
    });
  }

  private say(text: string): void {
    const { quiet, json } = this.command.options;
    if (quiet !== true && json !== STANDARD_OUTPUT) this.terminal.write(text);
  }

  private printed(line: string): void {
    this.progress.clear();
    this.terminal.error(line);
  }

  /**
   * Also of a command that failed, so that older results are not taken for its own; but a cluster that was lost before
   * it did anything leaves the last good ones where they are.
   */
  private async writeResults(): Promise<void> {
    const isLost = this.attached !== undefined && this.measured.began === undefined;
    const asked = outputsOf(this.command);
    const outputs = isLost ? { ...asked, out: this.command.options.out } : asked;
    const results = this.results();
    const { cost } = results.run;
    const hasTables =
      this.command.kind !== 'explain' && readFormat(this.command.options) === 'table';
    if (cost !== undefined && hasTables) {
      this.say(`${describeCost(cost)}\n`);
    }
    const paths = await writeOutputs(outputs, results, this.measured.samples);
    if (outputs.json === STANDARD_OUTPUT) this.terminal.write(formatResults(results));
    if (paths.length > 0) this.say(`results: ${paths.join(', ')}\n`);
  }

  private results(): Results {
    const { measured, config, command } = this;
    const cost = costInfo(measured.costs);
    return {
      schema: RESULTS_SCHEMA,
      run: {
        when: this.when.toISOString(),
        pinwire: VERSION,
        node: process.version,
        argv: command.argv,
        placement: config.placement,
        coreRuntime: config.coreRuntime,
        pids: this.place?.pids ?? [],
        // The clock began with this process.
        start_s: seconds(measured.began ?? performance.now()),
        wall_s: seconds(measured.wallMs),
        events: measured.events,
        packets: measured.packets,
        rounds: measured.rounds,
        ...(this.error !== undefined && { error: this.error }),
        ...(measured.unfinished !== undefined && { unfinished: measured.unfinished }),
        ...(measured.notes.length > 0 && { notes: measured.notes }),
        ...(cost !== undefined && { cost }),
      },
      cluster: clusterInfo(config),
      results: this.told(),
    };
  }
}

/** By the place in a list that begins at `first`. */
const from = <T>(all: ReadonlyMap<number, T>, first: number): Map<number, T> =>
  new Map([...all].map(([index, each]) => [index - first, each]));

const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6;
