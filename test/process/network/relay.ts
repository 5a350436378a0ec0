/** The middlebox of `scripts/middlebox.js`, as tests place it on the router of some namespaces and give it orders. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROUTER_ADDRESS, type Namespaces } from './namespaces.js';

const SCRIPT = join(import.meta.dirname, 'scripts', 'middlebox.js');

/** What happens to everything that crosses the relay, in each direction. */
export interface Path {
  readonly delayMs: number;
  /** Added to the delay, evenly distributed; the order of a stream stays. */
  readonly jitterMs: number;
  /** Probability that a chunk is lost, and with it everything behind it held up until it was sent again. */
  readonly loss: number;
  readonly retransmissionMs: number;
  /** 0: no limit. */
  readonly mbps: number;
}

export const CLEAR_PATH: Path = {
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  retransmissionMs: 200,
  mbps: 0,
};

/** Port `outside` of the router is carried on to port `port` of a machine. */
export interface Route {
  readonly machine: string;
  readonly port: number;
  readonly outside: number;
}

export interface RelayStatistics {
  readonly connections: number;
  readonly chunks: number;
  readonly bytes: number;
  /** Chunks that had to be sent again. */
  readonly lost: number;
}

export class Relay {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Listens for all routes. It ends with the test's process, or with the namespaces. */
  static async open(
    machines: Namespaces,
    routes: readonly Route[],
    path: Path,
    seed = 1,
  ): Promise<Relay> {
    const settings = {
      seed,
      path,
      machines: Object.fromEntries(
        machines.machines.map((machine) => [machines.address(machine), machine]),
      ),
      routes: routes.map(({ machine, port, outside }) => ({
        listen: { host: ROUTER_ADDRESS, port: outside },
        to: { machine, address: { host: machines.address(machine), port } },
      })),
    };
    const child = machines.node('router', [SCRIPT, JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new Relay(child);
  }

  /** What is under way already arrives as it would have. */
  setPath(path: Path): Promise<RelayStatistics> {
    return this.order({ path });
  }

  /** From now on the machine hears nothing and is not heard. */
  stall(machine: string): Promise<RelayStatistics> {
    return this.order({ stall: machine });
  }

  resume(machine: string): Promise<RelayStatistics> {
    return this.order({ resume: machine });
  }

  /** Ends every connection to the machine as a router does that has forgotten them. */
  reset(machine: string): Promise<RelayStatistics> {
    return this.order({ reset: machine });
  }

  statistics(): Promise<RelayStatistics> {
    return this.order({});
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  private async order(order: object): Promise<RelayStatistics> {
    const answer = once(this.child, 'message');
    this.child.send(order);
    const [statistics] = (await answer) as [RelayStatistics];
    return { ...statistics };
  }
}
