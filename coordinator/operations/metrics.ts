/**
 * What a cluster that stays up counts, for Prometheus: its runs and what they cost, its hosts and everything on them,
 * and who knocked at its door. Counters go on over runs; a gauge of hosts is the last run's.
 */
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type Metric,
} from 'prom-client';
import type { HostMetrics, QueuePairMetrics } from '../../node/process/host-metrics.js';
import { PORT_WAIT_BUCKETS } from '../../node/model/fabric/output-port.js';
import { WAIT_BUCKETS } from '../../node/links/window-cost.js';
import { PS_PER_NS, PS_PER_S } from '../../units/time.js';
import { bounded } from './bounded-labels.js';
import { BucketHistogram } from './bucket-histogram.js';
import {
  FAMILIES,
  HOST_COUNTERS,
  hostCounterFamily,
  type MetricFamily,
} from './metric-families.js';
import type { RunProgress, RunRecord } from '../run/run.js';
import type { RunCost } from '../run/run-cost.js';
import { VERSION } from '../terminal/version.js';

type Labels = Readonly<Record<string, string>>;
type FamilyName = keyof typeof FAMILIES;

const MAX_SERIES = 1024;
const WALL_BUCKETS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600];
const VIRTUAL_BUCKETS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

/** What is asked for when the page is. */
export interface MetricSources {
  readonly hosts?: () => { readonly up: number; readonly missing: number };
  readonly queueLength?: () => number;
  /** The current run. */
  readonly progress?: () => RunProgress | undefined;
  readonly refusals?: () => Readonly<Record<string, number>>;
  readonly fates?: () => Readonly<Record<string, number>>;
}

/** A counter or gauge whose sets of labels are bounded. */
interface Family {
  add(value: number, labels?: Labels): void;
  set(value: number, labels?: Labels): void;
  clear(): void;
}

export class Metrics {
  private readonly registry = new Registry();
  private readonly families = new Map<string, Family>();
  private readonly runWall: Histogram;
  private readonly runVirtual: Histogram;
  private readonly waits = new BucketHistogram(FAMILIES.waits, WAIT_BUCKETS, 1e-6);
  private readonly portWaits = new BucketHistogram(FAMILIES.portWaits, PORT_WAIT_BUCKETS, 1e-9);
  private readonly sources: MetricSources;

  constructor(sources: MetricSources = {}) {
    const { registry } = this;
    this.sources = sources;
    this.runWall = this.histogram(FAMILIES.runWall, WALL_BUCKETS);
    this.runVirtual = this.histogram(FAMILIES.runVirtual, VIRTUAL_BUCKETS);
    for (const histogram of [this.waits, this.portWaits]) {
      // A registry asks no more of a metric than its name and get().
      registry.registerMetric(histogram as unknown as Metric);
    }
    for (const family of Object.values(FAMILIES)) {
      if (family.kind !== 'histogram') this.families.set(family.name, this.family(family));
    }
    for (const name of HOST_COUNTER_NAMES) {
      const family = hostCounterFamily(name);
      this.families.set(family.name, this.family(family));
    }
    this.of('build').set(1, { version: VERSION, node: process.version });
    for (const outcome of ['done', 'failed', 'cancelled']) this.of('runs').add(0, { outcome });
    collectDefaultMetrics({ register: registry });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** A run has ended; `record` is that of one that was done. */
  runEnded(outcome: 'done' | 'failed' | 'cancelled', record: RunRecord | undefined): void {
    this.of('runs').add(1, { outcome });
    if (record === undefined) return;
    this.runWall.observe((record.ended - record.began) / 1000);
    this.runVirtual.observe(record.virtualNs / 1e9);
    this.of('events').add(record.events);
    this.of('packets').add(record.packets);
    for (const { host, counts } of record.counters) {
      for (const name of HOST_COUNTER_NAMES) {
        const family = this.families.get(hostCounterFamily(name).name);
        family?.add(counts[name] ?? 0, { host: hostName(host) });
      }
    }
    if (record.cost !== undefined) this.addCost(record.cost);
    this.addHosts(record.metrics ?? [], record.virtualNs * PS_PER_NS);
  }

  /** The page. */
  render(): Promise<string> {
    const { sources } = this;
    const hosts = sources.hosts?.();
    if (hosts !== undefined) {
      this.of('hosts').set(hosts.up, { state: 'up' });
      this.of('hosts').set(hosts.missing, { state: 'missing' });
    }
    this.of('queueLength').set(sources.queueLength?.() ?? 0);
    const progress = sources.progress?.();
    this.of('running').set(progress === undefined ? 0 : 1);
    this.of('virtualNow').set((progress?.now ?? 0) / PS_PER_S);
    this.of('eventsNow').set(progress?.events ?? 0);
    this.of('packetsNow').set(progress?.packets ?? 0);
    this.read('refused', 'reason', sources.refusals?.());
    this.read('connections', 'fate', sources.fates?.());
    return this.registry.metrics();
  }

  /** Counters that somebody else keeps. */
  private read(name: FamilyName, label: string, counts: Labels | object | undefined): void {
    const family = this.of(name);
    family.clear();
    for (const [key, count] of Object.entries(counts ?? {})) {
      family.add(count as number, { [label]: key });
    }
  }

  private addCost({ rounds, controlBytes, processes }: RunCost): void {
    this.of('rounds').add(rounds);
    this.of('controlBytes').add(controlBytes);
    for (const { process, busy, windows, waits, sent } of processes) {
      this.of('busy').add(busy / 1000, { process });
      this.of('windows').add(windows, { process });
      for (const { whom, ms, buckets } of waits) {
        this.of('waiting').add(ms / 1000, { process, for: whom });
        this.waits.add({ process, for: whom }, buckets, ms / 1000);
      }
      for (const { to, messages, bytes, frames } of sent) {
        this.of('fabricMessages').add(messages, { process, to });
        this.of('fabricBytes').add(bytes, { process, to });
        this.of('fabricFrames').add(frames, { process, to });
      }
    }
  }

  /** `end` is that of the last program, in ps: what happens behind it are timers that nobody needs any more. */
  private addHosts(hosts: readonly HostMetrics[], end: number): void {
    for (const name of ['coreProgram', 'queuePairs', 'portDeepest'] as const) this.of(name).clear();
    for (const { host: number, cores, queues, queuePairs, port } of hosts) {
      const host = hostName(number);
      for (const each of cores) {
        const core = String(each.core);
        const { program, kernel } = each;
        const modes = { program, kernel, idle: Math.max(end - program - kernel, 0) };
        for (const [mode, ps] of Object.entries(modes)) {
          this.of('coreTime').add(ps / PS_PER_S, { host, core, mode });
        }
        this.of('coreSegments').add(each.segments, { host, core });
        if (each.role !== '') this.of('coreProgram').set(1, { host, core, role: each.role });
      }
      for (const { owner, queue, frames, missed, interrupts } of queues) {
        const labels = { host, owner, queue: String(queue) };
        this.of('rxFrames').add(frames, labels);
        this.of('rxMissed').add(missed, labels);
        this.of('rxInterrupts').add(interrupts, labels);
      }
      this.addQueuePairs(host, queuePairs);
      this.of('portFrames').add(port.frames, { host });
      this.of('portBytes').add(port.bytes, { host });
      this.of('portDropped').add(port.dropped, { host });
      this.of('portDeepest').set(port.deepest, { host });
      this.portWaits.add({ host }, port.waits, port.waited / PS_PER_S);
    }
  }

  private addQueuePairs(host: string, queuePairs: readonly QueuePairMetrics[]): void {
    const states = new Map<string, number>();
    for (const each of queuePairs) {
      const { type, state } = each;
      const qp = each.number < 0 ? 'other' : `0x${each.number.toString(16)}`;
      states.set(state, (states.get(state) ?? 0) + 1);
      for (const direction of ['sent', 'received'] as const) {
        this.of('qpPackets').add(each[`${direction}Packets`], { host, qp, type, direction });
        this.of('qpBytes').add(each[`${direction}Bytes`], { host, qp, type, direction });
      }
      this.of('qpRetransmitted').add(each.retransmitted, { host, qp });
      this.of('qpTimeouts').add(each.timeouts, { host, qp });
      this.of('qpNotReady').add(each.notReadySent, { host, qp, direction: 'sent' });
      this.of('qpNotReady').add(each.notReadyReceived, { host, qp, direction: 'received' });
    }
    for (const [state, count] of states) this.of('queuePairs').set(count, { host, state });
  }

  private of(name: FamilyName): Family {
    return this.families.get(FAMILIES[name].name)!;
  }

  private family(family: MetricFamily): Family {
    const { name, help, labels, kind } = family;
    let labelsOf = bounded(family, MAX_SERIES);
    const options = { name, help, labelNames: labels, registers: [this.registry] };
    const metric = kind === 'counter' ? new Counter(options) : new Gauge(options);
    return {
      add: (value, each = {}) => metric.inc(labelsOf(each), value),
      set: (value, each = {}) => {
        if (metric instanceof Gauge) metric.set(labelsOf(each), value);
      },
      clear: () => {
        metric.reset();
        labelsOf = bounded(family, MAX_SERIES);
      },
    };
  }

  private histogram({ name, help }: MetricFamily, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.registry] });
  }
}

const HOST_COUNTER_NAMES = Object.keys(HOST_COUNTERS) as (keyof typeof HOST_COUNTERS)[];
const hostName = (number: number): string => `host${number}`;
