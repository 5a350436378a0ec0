/**
 * `/healthz`, `/readyz` and `/metrics` of a command that stays up: on its own door, on a plain listener apart, or
 * nowhere. The listener is a door too, one that nobody enters: strangers cost it no more than they cost the other.
 */
import { randomBytes } from 'node:crypto';
import { openDoor, type Page, type PageTable } from '../../node/door/admission.js';
import type { ControlServer } from '../cluster/control-server.js';
import type { EventLog } from '../terminal/event-log.js';
import { KeptPage } from './kept-page.js';
import type { Metrics } from './metrics.js';
import { hostAndPort, readListenAddress, type NetworkAddress } from '../options/network-address.js';
import type { FinishedRun, RunQueue } from '../run/run-queue.js';
import type { StandingCluster } from '../cluster/standing-cluster.js';
import { UsageError } from '../errors/usage-error.js';

export interface MetricsOptions {
  readonly metrics?: string | undefined;
}

/** `on`: on the door that the command has anyway. */
export type PagePlace = 'on' | 'off' | NetworkAddress;

/** Throws a UsageError. A command without a door has no `on`. */
export function readPagePlace({ metrics }: MetricsOptions, usual: 'on' | 'off'): PagePlace {
  const text = metrics ?? usual;
  if (text === 'off' || (text === 'on' && usual === 'on')) return text;
  return readListenAddress('--metrics', text);
}

/** Opens the listener apart, if there is to be one. Throws a UsageError if its address cannot be had. */
export async function openPages(
  place: PagePlace,
  pages: PageTable,
  log: EventLog,
): Promise<{ close(): Promise<void> }> {
  if (place === 'on' || place === 'off') return { close: () => Promise.resolve() };
  const host = place.host === '' ? '127.0.0.1' : place.host;
  try {
    const { port } = place;
    // Nobody knows it, and there is no path to enter by.
    const credentials = { token: randomBytes(32).toString('hex') };
    const door = await openDoor({ credentials, host, port, pages, paths: {}, maxPayload: 1 });
    log.info({ url: `http://${hostAndPort(host, door.port)}` }, 'pages open');
    return door;
  } catch (error) {
    const asked = hostAndPort(host, place.port);
    throw new UsageError(`--metrics ${asked}: ${(error as Error).message}`);
  }
}

const text = (status: number, body: string): Page => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

export interface Coordinator {
  readonly cluster: StandingCluster;
  readonly queue: RunQueue;
  readonly server: ControlServer;
}

/** A coordinator's pages; `parts` are looked at when somebody asks. */
export class CoordinatorPages {
  readonly pages: PageTable;
  private readonly metrics: Metrics;
  private readonly counts: KeptPage;
  private readonly parts: () => Coordinator;
  private stopping: string | undefined;

  private constructor(parts: () => Coordinator, metrics: Metrics) {
    this.parts = parts;
    this.pages = {
      '/healthz': () => text(200, 'ok'),
      '/readyz': () => this.readiness(),
      '/metrics': () => this.counts.read(),
    };
    this.metrics = metrics;
    this.counts = new KeptPage(async () => ({
      status: 200,
      type: metrics.contentType,
      body: await metrics.render(),
    }));
  }

  static async create(parts: () => Coordinator): Promise<CoordinatorPages> {
    // What counts takes a moment to load: only those who stay up wait for it.
    const { Metrics } = await import('./metrics.js');
    const metrics = new Metrics({
      hosts: () => {
        const { config, missingHosts } = parts().cluster;
        return { up: config.hosts - missingHosts, missing: missingHosts };
      },
      queueLength: () => parts().queue.waiting.length,
      progress: () => parts().queue.current?.progress,
      refusals: () => ({ ...parts().server.refusals }),
      fates: () => ({ ...parts().server.door.fates }),
    });
    return new CoordinatorPages(parts, metrics);
  }

  finished({ outcome, record }: FinishedRun): void {
    this.counts.forget();
    this.metrics.runEnded(outcome, record);
  }

  /** From here on it is not ready, and why. */
  stop(why: string): void {
    this.stopping = why;
  }

  private readiness(): Page {
    const { missingHosts, fabric } = this.parts().cluster;
    if (this.stopping !== undefined) return text(503, this.stopping);
    if (missingHosts > 0) return text(503, `${missingHosts} hosts are missing`);
    return fabric.length > 0 ? text(200, 'ready') : text(503, 'the hosts are linking up');
  }
}

/** A machine's pages: it is well while its coordinator has it. */
export async function agentPages(isJoined: () => boolean): Promise<PageTable> {
  const { AgentMetrics } = await import('./agent-metrics.js');
  const metrics = new AgentMetrics(isJoined);
  const health = (): Page =>
    isJoined() ? text(200, 'ok') : text(503, 'not connected to the coordinator');
  return {
    '/healthz': health,
    '/readyz': health,
    '/metrics': async () => ({
      status: 200,
      type: metrics.contentType,
      body: await metrics.render(),
    }),
  };
}
