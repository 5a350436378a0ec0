/**
 * Machines of their own, as far as one computer allows: Linux network namespaces around a router. Each machine has an
 * interface `eth0` in a subnet of its own (10.77.N.2), and finds the others by name; the router forwards between them,
 * or not: then only what listens on the router (`relay.ts`) connects them. No interface is made in the computer's own
 * namespace, so nothing of a test gets out and nothing gets in.
 *
 * Namespaces are named by the test's process. Those of a process that has crashed are removed by the next.
 */
import {
  execFileSync,
  spawn,
  spawnSync,
  type ChildProcess,
  type SpawnOptions,
} from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pinwire, type StartOptions } from '../pinwire.js';

const PREFIX = 'pinwire';
const ROUTER = 'router';
/** Where iproute2 keeps names, and files that `ip netns exec` lays over those of /etc. */
const NAMES = '/run/netns';
const FILES = '/etc/netns';
/** The router's address that all machines reach, whatever their subnet: that of a NAT, seen from outside. */
export const ROUTER_ADDRESS = '10.77.0.1';

let count = 0;

/** What netem does to everything on its way to a machine. */
export interface Impairment {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossPercent: number;
}

export interface NamespacesOptions {
  /** Whether the router carries packets between the machines. */
  readonly forwarding: boolean;
}

export class Namespaces {
  readonly machines: readonly string[];
  private readonly prefix: string;
  private readonly destroyAtExit = (): void => this.remove();

  /** Makes the router and the machines, linked and up. */
  constructor(machines: readonly string[], { forwarding }: NamespacesOptions) {
    removeStale();
    this.machines = machines;
    this.prefix = `${PREFIX}-${process.pid}-${++count}-`;
    process.once('exit', this.destroyAtExit);
    try {
      this.make(forwarding);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  address(machine: string): string {
    return `10.77.${this.number(machine)}.2`;
  }

  /** The namespace of a machine or of the router, as `ip netns` knows it. */
  namespace(machine: string): string {
    return this.prefix + machine;
  }

  /** Starts `pinwire` on a machine. */
  pinwire(machine: string, args: readonly string[], options: StartOptions = {}): Pinwire {
    return new Pinwire(args, { ...options, within: this.within(machine) });
  }

  /** Starts node with a script on a machine. */
  node(machine: string, script: readonly string[], options: SpawnOptions): ChildProcess {
    const [file, ...args] = [...this.within(machine), process.execPath, ...script];
    return spawn(file!, args, options);
  }

  /** Runs a short command on a machine; its standard output. Throws, with standard error, if it fails. */
  run(machine: string, command: readonly string[]): string {
    const [file, ...args] = [...this.within(machine), ...command];
    return execFileSync(file!, args, { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 });
  }

  /** The processes on a machine. */
  pids(machine: string): number[] {
    return pidsIn(this.namespace(machine));
  }

  /** Pulls the machine's cable out of the router: packets are lost, and no connection is notified. */
  cut(machine: string): void {
    this.link(machine, 'down');
  }

  mend(machine: string): void {
    this.link(machine, 'up');
  }

  /** The router carries nothing between two machines any more, and says nothing; all others reach both. */
  separate(one: string, other: string): void {
    this.forbid('add', one, other);
    this.forbid('add', other, one);
  }

  reunite(one: string, other: string): void {
    this.forbid('del', one, other);
    this.forbid('del', other, one);
  }

  /** Delays, and loses some of, what goes to any of the machines: a round trip is two delays. */
  impair({ delayMs, jitterMs, lossPercent }: Impairment): void {
    for (const machine of this.machines) {
      const netem = ['delay', `${delayMs}ms`, `${jitterMs}ms`, 'loss', `${lossPercent}%`];
      const device = this.routerEnd(machine);
      this.run(ROUTER, ['tc', 'qdisc', 'replace', 'dev', device, 'root', 'netem', ...netem]);
    }
  }

  heal(): void {
    for (const machine of this.machines) {
      this.run(ROUTER, ['tc', 'qdisc', 'del', 'dev', this.routerEnd(machine), 'root']);
    }
  }

  /** Kills every process on the machines, and removes them. */
  destroy(): void {
    process.off('exit', this.destroyAtExit);
    this.remove();
  }

  private remove(): void {
    removeAll(namesIn(NAMES).filter((name) => name.startsWith(this.prefix)));
  }

  private make(forwarding: boolean): void {
    for (const name of [ROUTER, ...this.machines]) {
      const namespace = this.namespace(name);
      this.nameEverybody(namespace);
      ip(['netns', 'add', namespace]);
      this.run(name, ['ip', 'link', 'set', 'lo', 'up']);
    }
    for (const machine of this.machines) {
      const device = this.routerEnd(machine);
      const router = `10.77.${this.number(machine)}.1`;
      ip([
        ...['link', 'add', 'eth0', 'netns', this.namespace(machine), 'type', 'veth'],
        ...['peer', 'name', device, 'netns', this.namespace(ROUTER)],
      ]);
      this.run(machine, ['ip', 'address', 'add', `${this.address(machine)}/24`, 'dev', 'eth0']);
      this.run(machine, ['ip', 'link', 'set', 'eth0', 'up']);
      this.run(ROUTER, ['ip', 'address', 'add', `${router}/24`, 'dev', device]);
      this.run(ROUTER, ['ip', 'link', 'set', device, 'up']);
      this.run(machine, ['ip', 'route', 'add', 'default', 'via', router]);
    }
    this.run(ROUTER, ['ip', 'address', 'add', `${ROUTER_ADDRESS}/32`, 'dev', 'lo']);
    // A new namespace may inherit the computer's setting.
    const setting = `/proc/sys/net/ipv4/ip_forward`;
    this.run(ROUTER, ['sh', '-c', `echo ${forwarding ? 1 : 0} > ${setting}`]);
  }

  private nameEverybody(namespace: string): void {
    const lines = ['127.0.0.1 localhost', `${ROUTER_ADDRESS} ${ROUTER}`];
    for (const machine of this.machines) lines.push(`${this.address(machine)} ${machine}`);
    mkdirSync(`${FILES}/${namespace}`, { recursive: true });
    writeFileSync(`${FILES}/${namespace}/hosts`, `${lines.join('\n')}\n`);
  }

  private forbid(how: 'add' | 'del', from: string, to: string): void {
    const rule = ['from', this.address(from), 'to', this.address(to), 'blackhole'];
    this.run(ROUTER, ['ip', 'rule', how, ...rule]);
  }

  private link(machine: string, state: 'up' | 'down'): void {
    this.run(ROUTER, ['ip', 'link', 'set', this.routerEnd(machine), state]);
  }

  private routerEnd(machine: string): string {
    return `port${this.number(machine)}`;
  }

  private number(machine: string): number {
    const at = this.machines.indexOf(machine);
    if (at < 0) throw new Error(`no machine ${machine}`);
    return at + 1;
  }

  private within(machine: string): string[] {
    // It becomes the command: a signal to its pid reaches that.
    return ['ip', 'netns', 'exec', this.namespace(machine)];
  }
}

let namespacesAnswer: string | undefined;
let netemAnswer: string | undefined;

/** Why namespaces cannot be made here; empty if they can. */
export function whyNoNamespaces(): string {
  namespacesAnswer ??= probe(() => {
    new Namespaces(['probe'], { forwarding: true }).destroy();
  });
  return namespacesAnswer;
}

/** Why no link can be impaired here; empty if it can. */
export function whyNoNetem(): string {
  netemAnswer ??= whyNoNamespaces();
  if (netemAnswer !== '') return netemAnswer;
  const machines = new Namespaces(['probe'], { forwarding: true });
  const said = probe(() => machines.impair({ delayMs: 1, jitterMs: 0, lossPercent: 0 }));
  machines.destroy();
  netemAnswer = said === '' ? '' : `no netem: ${said}`;
  return netemAnswer;
}

/** A title that says why its tests are skipped, if they are; so does the log, which names no test that was skipped. */
export function orSkipped(title: string, why: string): string {
  if (why === '') return title;
  console.warn(`skipped: ${title}: ${why}`);
  return `${title} (skipped: ${why})`;
}

export async function waitForNobody(machines: Namespaces, machine: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (machines.pids(machine).length > 0) {
    if (Date.now() > deadline) throw new Error(`processes are left on ${machine}`);
    await sleep(50);
  }
}

function probe(attempt: () => void): string {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  if (spawnSync('ip', ['-V']).error !== undefined) return 'no ip command: install iproute2';
  try {
    attempt();
    return '';
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    return said.trim().split('\n')[0]!;
  }
}

function removeStale(): void {
  const names = new Set([...namesIn(NAMES), ...namesIn(FILES)]);
  removeAll(
    [...names].filter((name) => {
      const owner = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
      return owner !== undefined && !existsSync(`/proc/${owner}`);
    }),
  );
}

function removeAll(namespaces: readonly string[]): void {
  const known = namespaces.filter((name) => existsSync(`${NAMES}/${name}`));
  for (const name of known) {
    for (const pid of pidsIn(name)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  for (const name of known) ip(['netns', 'delete', name]);
  for (const name of namespaces) rmSync(`${FILES}/${name}`, { recursive: true, force: true });
  try {
    rmdirSync(FILES);
  } catch {
    // Somebody else has files there, or nobody ever had.
  }
}

const ip = (args: readonly string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

const pidsIn = (namespace: string): number[] =>
  ip(['netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number);

const namesIn = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory) : [];
