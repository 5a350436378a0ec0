/**
 * A cluster across machines: a coordinator on one, an agent on each of the others, clients from anywhere. It is started
 * once for several tests; what its commands said is shown when one of them fails.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Pinwire,
  pinwire,
  readResults,
  reproducible,
  scratch,
  until,
  type Ended,
} from '../pinwire.js';
import type { Results } from '../../../coordinator/report/results.js';
import type { Namespaces } from './namespaces.js';

export const COORDINATOR = 'coordinator';
export const CLIENT = 'client';
export const CONTROL_PORT = 7600;
export const FABRIC_PORT = 7700;
export const TOKEN = 'a-token-that-nobody-guesses-0123456789abcdef';

export interface SiteOptions {
  readonly machines: Namespaces;
  /** The machines with agents. */
  readonly hosts: readonly string[];
  /** What everybody dials to reach the coordinator. */
  readonly url: string;
  /** Of the cluster. */
  readonly cores: number;
  /** Further options of the agent on a machine. */
  readonly joinWith?: (machine: string) => readonly string[];
}

export interface Attached extends Ended {
  /** Where results.json lies. */
  readonly out: string;
}

export class Site {
  readonly coordinator: Pinwire;
  readonly agents = new Map<string, Pinwire>();
  private readonly options: SiteOptions;
  private readonly expected = new Map<string, Promise<string>>();
  private readonly tokenFile = join(scratch(), 'token');

  constructor(options: SiteOptions) {
    this.options = options;
    writeFileSync(this.tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    const { machines, hosts, cores } = options;
    this.coordinator = machines.pinwire(
      COORDINATOR,
      [
        ...['up', '--placement', 'joined', '--hosts', String(hosts.length)],
        ...['--cores', String(cores), '--listen', `0.0.0.0:${CONTROL_PORT}`],
        ...['--token-file', this.tokenFile],
      ],
      // Machines in namespaces share their files, a user's run directory among them.
      { env: { XDG_RUNTIME_DIR: scratch() } },
    );
    for (const host of hosts) this.join(host);
  }

  /** Starts the agent on a machine. */
  join(host: string): Pinwire {
    const { machines, url, joinWith } = this.options;
    const agent = machines.pinwire(host, [
      ...['join', url, '--token-file', this.tokenFile, '--name', host],
      ...(joinWith?.(host) ?? []),
    ]);
    this.agents.set(host, agent);
    return agent;
  }

  /** Starts a client on a machine, and gives the end of its command. */
  start(args: readonly string[], out = scratch(), machine = CLIENT): Pinwire {
    const { machines, url } = this.options;
    return machines.pinwire(machine, [
      ...args,
      ...['--attach', url, '--token-file', this.tokenFile, '--wait', '30s', '--out', out],
    ]);
  }

  /** Runs a client to its end. */
  async run(args: readonly string[], machine = CLIENT): Promise<Results> {
    const out = scratch();
    const { code, stdout, stderr } = await this.start(args, out, machine).ended;
    if (code !== 0) throw new Error(`exit ${code}: ${stdout}\n${stderr}\n${this.said}`);
    return readResults(join(out, 'results.json'));
  }

  /** What the results have to be: those of one process of this machine. */
  embedded(args: readonly string[]): Promise<string> {
    const key = args.join(' ');
    let results = this.expected.get(key);
    if (results === undefined) {
      results = this.runEmbedded(args);
      this.expected.set(key, results);
    }
    return results;
  }

  /** The pids of the host processes on a machine, once there are some. */
  async hostProcesses(host: string): Promise<number[]> {
    const agent = this.agents.get(host)!;
    const below = (): number[] =>
      this.options.machines.pids(host).filter((pid) => pid !== agent.child.pid);
    await until(() => below().length > 0, `host processes on ${host}`);
    return below();
  }

  async withoutHostProcesses(host: string): Promise<void> {
    await until(
      () =>
        this.options.machines.pids(host).every((pid) => pid === this.agents.get(host)!.child.pid),
      `the end of the host processes on ${host}`,
    );
  }

  /** Everything that coordinator and agents said. */
  get said(): string {
    return [[COORDINATOR, this.coordinator] as const, ...this.agents]
      .map(([name, { stdout, stderr }]) => `--- ${name}\n${stdout}${stderr}`)
      .join('\n');
  }

  private async runEmbedded(args: readonly string[]): Promise<string> {
    const { hosts, cores } = this.options;
    const out = scratch();
    const ended = await pinwire([
      ...args,
      ...['--placement', 'embedded', '--hosts', String(hosts.length), '--cores', String(cores)],
      ...['--out', out],
    ]);
    if (ended.code !== 0) throw new Error(`exit ${ended.code}: ${ended.stderr}`);
    return reproducible(readResults(join(out, 'results.json')));
  }
}
