/**
 * One run's hosts of one process: builds them, does their events in order, and runs the segments of their programs. All
 * of an embedded run is one machine; in a run over processes each has its own, and windows bound how far it goes.
 */
import { MAX_CHAIN_ROWS } from '../../sim/chain-rows.js';
import { Scheduler } from '../../sim/scheduler.js';
import { pcapngHeader, pcapngPacket, DIRECTION } from '../../wire/pcapng-writer.js';
import type { Instant } from '../../units/time.js';
import { installGuards } from '../cores/guards.js';
import { describeFailure, type CoreRuntime, type ProgramResult } from '../cores/core-runtime.js';
import {
  BEGUN_EARLY,
  RESUME_ALONE,
  type CoreSupervisor,
  type HostCore,
} from '../cores/host-core.js';
import { InlineRuntime } from '../cores/inline-runtime.js';
import type { CoreIdentity } from '../program/program-core.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import type { ToldError } from '../cores/told-error.js';
import { WorkerRuntime } from '../cores/worker-runtime.js';
import { Host } from './host.js';
import { hostCounters } from './host-counters.js';
import { hostMetrics, type HostMetrics } from './host-metrics.js';
import { Fabric } from '../model/fabric/fabric.js';
import type { FrameTap } from '../model/fabric/captured-link.js';
import { FramePool } from '../model/fabric/frame-pool.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';
import { leastFlight } from '../model/fabric/flight-times.js';
import { layoutOf } from '../model/fabric/topologies.js';
import { LONG_STREAK } from '../model/rdma/retry-streak.js';
import type { Bound } from '../links/window-runner.js';
import type { MachineWiring, ProcessMachine } from '../spec/process-machine.js';
import {
  SOME_PROGRAM,
  type ProgramSpec,
  type RunFailure,
  type RunOutcome,
  type RunSpec,
} from '../spec/run-spec.js';
import type { Task } from '../program/verbs.js';

/** Events between two looks at the wall clock. */
const EVENTS_PER_LOOK = 256;
const PS_PER_MS = 1e9;

export class Machine implements ProcessMachine, CoreSupervisor {
  readonly pool: FramePool;
  failure: RunFailure | null = null;
  private readonly spec: RunSpec;
  private readonly scheduler = new Scheduler();
  private readonly fabric: Fabric;
  private readonly hosts: Host[];
  private readonly runtime: CoreRuntime;
  /** The core whose turn it is. */
  private dueCore: HostCore | undefined = undefined;
  /** Cores whose segments run although it is not their turn yet. */
  private readonly begunEarly = new Set<HostCore>();
  /** What happens on a host changes nothing on another one sooner. */
  private readonly flight: number;
  private readonly results: RunOutcome['results'][number][] = [];
  private readonly programCounters = new Map<number, Record<string, number>>();
  private readonly endedCores: HostCore[] = [];
  private running: number;
  /** The last instant; practically never, where the run has no limit. */
  private readonly until: number;
  /** The machine's clock at the run's beginning, in ms, for `--clock real`; threads share it. */
  private readonly startedAt = performance.timeOrigin + performance.now();

  /** Builds the hosts of `spec.local`, and has their programs ready to start at time 0. */
  static async create(
    spec: RunSpec,
    wiring: MachineWiring,
    runtime = runtimeOf(spec, wiring),
  ): Promise<Machine> {
    try {
      const machine = new Machine(spec, wiring, runtime);
      await machine.prepare();
      return machine;
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  private constructor(spec: RunSpec, wiring: MachineWiring, runtime: CoreRuntime) {
    this.spec = spec;
    this.runtime = runtime;
    this.until = Math.min(spec.until, Number.MAX_VALUE);
    this.pool = wiring.pool ?? FramePool.of(spec);
    const layout = wiring.topology?.build(spec) ?? layoutOf(spec);
    this.flight = leastFlight(layout, spec.profile);
    this.fabric = new Fabric({
      layout,
      profile: spec.profile,
      local: spec.local,
      scheduler: this.scheduler,
      pool: this.pool,
      remote: wiring.remote,
    });
    const { scheduler, pool, fabric } = this;
    const { capture } = wiring;
    const programs = programsByHost(spec);
    this.hosts = spec.local.map((number) => {
      const tap =
        capture === undefined || !spec.capture ? undefined : this.openCapture(number, capture);
      return new Host({
        ...{ number, spec, scheduler, pool, fabric, tap },
        own: programs.get(number) ?? [],
        supervisor: this,
      });
    });
    this.running = this.hosts.reduce((sum, { cores }) => sum + cores.length, 0);
  }

  get now(): number {
    return this.scheduler.now;
  }

  get events(): number {
    return this.scheduler.events;
  }

  get packets(): number {
    return this.hosts.reduce((sum, { nic }) => sum + nic.received, 0);
  }

  /** Pages that memory regions pin, on all hosts. */
  get pinnedPages(): number {
    return this.hosts.reduce((sum, { nic }) => sum + nic.parts.regions.pinnedPages, 0);
  }

  /** Frames of memory that are not free, on all hosts; what virtual machines own does not count. */
  get framesInUse(): number {
    return this.hosts.reduce((sum, { memory: { ram } }) => sum + ram.count - ram.freeFrames, 0);
  }

  get programsLeft(): number {
    return this.running;
  }

  get blocked(): readonly string[] {
    return this.hosts
      .flatMap(({ cores }) => cores)
      .filter(({ endedAt }) => endedAt < 0)
      .map(({ waitsFor }) => waitsFor);
  }

  get notes(): readonly string[] {
    return this.hosts.flatMap(({ number, nic, chainRows }) => [
      ...nic.engine.longStreaks.map(({ qp, why, since }) => {
        const status = why === 'RNR' ? 'RNR: the receiver has no receive posted' : why;
        return (
          `host${number} QP ${qp} has retransmitted the same request ${LONG_STREAK} times in a row ` +
          `(${status}) since ${(since / 1e6).toFixed(3)} us; the run continues`
        );
      }),
      ...(chainRows.refusals > 0 ? [missingStages(number)] : []),
    ]);
  }

  next(): number {
    const next = this.scheduler.next();
    return next > this.until ? Infinity : next;
  }

  async advance(bound: Bound, sliceMs: number): Promise<'drained' | 'yield'> {
    const { scheduler, runtime, until: last } = this;
    const until = performance.now() + sliceMs;
    const real = this.spec.clock === 'real';
    for (let count = 1; ; count++) {
      const next = scheduler.next();
      if (next >= bound.horizon || next > last) return 'drained';
      if (real && next > scheduler.now) {
        scheduler.pass(this.monotonic());
        if (next > scheduler.now) return 'drained';
      }
      scheduler.step();
      const core = this.dueCore;
      if (core !== undefined) {
        this.dueCore = undefined;
        if (!runtime.parallel) runtime.resume(core);
        else this.resumeTogether(core, bound);
        try {
          // Awaited here and not in a function of its own: this is the way of every segment.
          while (!runtime.isBack(core)) await runtime.turn();
        } catch (error) {
          this.failure = describeFailure(core, error);
          return 'drained';
        }
        core.segmentEnded();
      }
      if (this.endedCores.length > 0) await this.collect();
      if (this.failure !== null) return 'drained';
      if (count % EVENTS_PER_LOOK === 0 && performance.now() > until) return 'yield';
    }
  }

  deliver(slot: FrameSlot): void {
    if (this.spec.clock === 'real') {
      // The sender's clock is another one: what is here is here now.
      this.scheduler.pass(this.monotonic());
      this.pool.frames[slot]!.time = this.scheduler.now;
    }
    this.fabric.router.deliver(slot);
  }

  mailbox(): Mailbox {
    return this.runtime.mailbox(this.pool.chainLog);
  }

  due(core: HostCore): void {
    this.dueCore = core;
  }

  ended(core: HostCore): void {
    this.running--;
    this.endedCores.push(core);
  }

  async settle(): Promise<void> {
    if (this.failure !== null) return;
    // In the turn that this takes, programs go as far as they can without the emulator.
    const lost = await this.runtime.lost();
    for (const core of this.hosts.flatMap(({ cores }) => cores)) {
      if (core.endedAt < 0) this.account(core, await this.runtime.giveUp(core));
    }
    this.loses(lost);
  }

  outcome(): RunOutcome {
    return {
      results: this.results,
      hosts: this.hosts.map((host) => ({
        host: host.number,
        digest: host.inlet.trace.digest(),
        counters: { ...hostCounters(host), ...this.programCounters.get(host.number) },
        counted: { ...this.programCounters.get(host.number) },
      })),
      events: this.scheduler.events,
      packets: this.packets,
    };
  }

  /** What there is to watch on each host. */
  metrics(): readonly HostMetrics[] {
    const { programs } = this.spec;
    const { now } = this.scheduler;
    return this.hosts.map((host) => hostMetrics(host, now, (rank) => programs[rank]!.role));
  }

  async close(): Promise<void> {
    await this.runtime.close();
  }

  /** Picoseconds since the run began, on the machine's monotonic clock. */
  private monotonic(): number {
    // The difference first: their sum is too large to keep a microsecond's digits.
    return Math.floor((performance.now() + (performance.timeOrigin - this.startedAt)) * PS_PER_MS);
  }

  private async prepare(): Promise<void> {
    const { spec } = this;
    if (spec.clock === 'virtual' && spec.coreRuntime === 'inline') installGuards();
    // One for all: there may be thousands of ranks.
    const placement = Object.freeze(
      spec.programs.map(({ host, core }) => Object.freeze({ host, core })),
    );
    for (const host of this.hosts) {
      for (const core of host.cores) {
        const { role } = spec.programs[core.rank]!;
        const identity: CoreIdentity = {
          host: host.number,
          index: core.index,
          rank: core.rank,
          ranks: spec.programs.length,
          seed: spec.seed,
          cpu: spec.profile.cpu,
          bypass: spec.profile.bypass,
          memory: host.memory.buffer,
          completionChains: host.completionChains,
          realStart: spec.clock === 'real' ? this.startedAt : null,
        };
        const task: Task = {
          role,
          params: spec.params,
          inputs: spec.inputs,
          placement,
          seed: spec.seed,
          clock: spec.clock,
        };
        await this.runtime.add(core, identity, task);
      }
    }
    await this.runtime.ready();
    for (const { cores } of this.hosts) for (const core of cores) core.start();
  }

  /**
   * Begins the segment of `core`, whose turn it is, and with it those of the cores that are due next, with nothing in
   * between, and have a host's memory each for themselves: until a frame has had its flight, nothing of what other
   * hosts do from now on reaches them, so their segments find what they would find in their turn. They end in their
   * turn, and all else has the order that it has where one thread does everything. Never beyond the bound: a frame that
   * another process has yet to send may come first.
   */
  private resumeTogether(core: HostCore, { horizon }: Bound): void {
    const { scheduler, runtime, begunEarly } = this;
    if (!begunEarly.delete(core)) runtime.resume(core);
    const before = Math.min(scheduler.now + this.flight, horizon, this.until + 1);
    const turns: (readonly [time: number, key: number, sink: number])[] = [];
    while (scheduler.stepIf(RESUME_ALONE, before)) {
      const early = this.dueCore;
      // Interrupts have the core: it is due later.
      if (early === undefined) continue;
      this.dueCore = undefined;
      runtime.resume(early);
      begunEarly.add(early);
      const { time, key, sink } = scheduler.queue;
      turns.push([time, key, sink]);
    }
    for (const [time, key, sink] of turns) scheduler.again(time, key, sink, BEGUN_EARLY);
  }

  private async collect(): Promise<void> {
    for (const core of this.endedCores.splice(0)) {
      const result = await this.runtime.result(core);
      this.account(core, result);
      if (this.failure !== null) return;
      this.results.push({ rank: core.rank, value: result.value, endedAt: core.endedAt });
    }
  }

  /** What a program counted, and how it failed. */
  private account(core: HostCore, { counters, failure, lost }: ProgramResult): void {
    const sums =
      this.programCounters.get(core.host) ?? (Object.create(null) as Record<string, number>);
    for (const [name, by] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + by;
    this.programCounters.set(core.host, sums);
    if (failure !== null) this.failure ??= { host: core.host, core: core.index, ...failure };
    this.loses(lost);
  }

  /** Told without its program even where that is known: it is known only of cores with a thread of their own. */
  private loses(lost: ToldError | undefined): void {
    if (lost !== undefined) this.failure ??= { ...SOME_PROGRAM, ...lost };
  }

  private openCapture(host: number, capture: (host: number, bytes: Uint8Array) => void): FrameTap {
    capture(host, pcapngHeader([`host${host}`]));
    return (slot, at, outbound) => {
      const { pool } = this;
      pool.writeOut(slot);
      const direction = outbound ? DIRECTION.OUTBOUND : DIRECTION.INBOUND;
      const { start, length } = pool.frames[slot]!;
      capture(host, pcapngPacket(0, at as Instant, pool.bytes, start, length, direction));
    };
  }
}

/** Where the programs of a run go, as its spec has it. */
const runtimeOf = (spec: RunSpec, wiring: MachineWiring): CoreRuntime =>
  spec.coreRuntime === 'worker'
    ? new WorkerRuntime(spec, wiring.program)
    : new InlineRuntime(spec, wiring.program);

const missingStages = (host: number): string =>
  `host${host}: its completion queues have more than ${MAX_CHAIN_ROWS} entries together; the newest have no stages: ` +
  `the time of operations that complete there counts as poll`;

function programsByHost({ programs }: RunSpec): Map<number, ProgramSpec[]> {
  const byHost = new Map<number, ProgramSpec[]>();
  for (const program of programs) {
    const its = byHost.get(program.host);
    if (its === undefined) byHost.set(program.host, [program]);
    else its.push(program);
  }
  return byHost;
}
