/**
 * One run on one process: its machine, and what drives it. Among several processes in virtual time that is a window
 * runner, else a free runner; both turn on the event loop, so that the coordinator is always heard.
 */
import { WindowMember } from '../../sim/window-member.js';
import type { WindowGrant } from '../../sim/window.js';
import type { Notice } from '../../wire/control/notices.js';
import { parseGrant } from '../../wire/control/window-messages.js';
import { CaptureFiles } from './capture-files.js';
import type { CaptureSink } from './capture-sink.js';
import { CaptureStream } from './capture-stream.js';
import { BatchReader } from '../links/batch-reader.js';
import { FramePool } from '../model/fabric/frame-pool.js';
import { FrameCounter, FreeRunner } from '../links/free-runner.js';
import { Inbox } from '../links/inbox.js';
import { lookaheadOf } from '../model/fabric/flight-times.js';
import { Places } from '../model/fabric/places.js';
import { layoutOf } from '../model/fabric/topologies.js';
import type { Mesh } from '../links/mesh.js';
import { RemoteLink, type SendObserver } from '../links/remote-link.js';
import { WindowRunner, type Simulation } from '../links/window-runner.js';
import { MOST_NOTES } from '../../wire/control/notices.js';
import { processCost } from './process-cost.js';
import {
  ProgramFailure,
  type MachineFactory,
  type ProcessMachine,
} from '../spec/process-machine.js';
import type { RunSpec } from '../spec/run-spec.js';

/** Frames in a batch that leaves at once, under the real clock. */
const PROMPT_FRAMES = 32;
const PROGRESS_MS = 250;
/** A process without others. */
const ALONE = { processes: 1, process: 0 } as const;

export interface ProcessRunParts {
  readonly run: number;
  readonly spec: RunSpec;
  /** Where captures are written; empty to send them. */
  readonly captureDirectory: string;
  /** The other processes; null where there are none. */
  readonly mesh: Mesh | null;
  /** Process of each host. */
  readonly placement: Int32Array;
  readonly send: (notice: Notice) => void;
  /** What control messages have come to until now, both ways, in bytes. */
  readonly controlBytes: () => number;
  readonly createMachine: MachineFactory;
}

/** The others, as a run reaches them. */
interface Network {
  readonly mesh: Mesh;
  readonly link: RemoteLink;
  readonly inbox: Inbox;
}

export class ProcessRun {
  readonly run: number;
  private readonly parts: ProcessRunParts;
  private readonly machine: ProcessMachine;
  private readonly captures: CaptureSink | undefined;
  private readonly windows: WindowRunner | undefined;
  private readonly free: FreeRunner | undefined;
  private readonly network: Network | null;
  private onGrant: ((grant: WindowGrant, by: number, held: number) => void) | undefined;
  private controlBytesBefore = 0;
  private ticker: NodeJS.Timeout | undefined;
  private readonly notesTold = new Set<string>();

  private constructor(
    parts: ProcessRunParts,
    machine: ProcessMachine,
    captures: CaptureSink | undefined,
    network: Network | null,
    observer: WindowMember | FrameCounter,
  ) {
    this.run = parts.run;
    this.parts = parts;
    this.machine = machine;
    this.captures = captures;
    this.network = network;
    if (network !== null && observer instanceof WindowMember) {
      this.windows = this.windowRunner(network, observer);
    } else {
      this.free = this.freeRunner(network, observer as FrameCounter);
    }
  }

  /** Builds everything of the run that this process has. Rejects when a module cannot be loaded or memory is short. */
  static async prepare(parts: ProcessRunParts): Promise<ProcessRun> {
    const { spec, mesh, placement, run } = parts;
    const pool = FramePool.of(spec);
    const { processes, process } = mesh ?? ALONE;
    const layout = layoutOf(spec);
    const places = new Places(layout, placement);
    const hasWindows = spec.clock === 'virtual' && processes > 1;
    const observer = hasWindows
      ? new WindowMember(process, lookaheadOf(layout, spec.profile, placement, processes))
      : new FrameCounter();
    const network = mesh !== null && processes > 1 ? networkOf(parts, mesh, pool, observer) : null;
    const captures = spec.capture ? captureSink(parts) : undefined;
    try {
      const machine = await parts.createMachine(spec, {
        pool,
        remote: network?.link ?? null,
        ...(captures && { capture: (host, bytes) => captures.append(host, bytes) }),
      });
      return new ProcessRun(parts, machine, captures, network, observer);
    } catch (error) {
      captures?.close();
      throw error;
    }

    function networkOf(
      { spec }: ProcessRunParts,
      mesh: Mesh,
      pool: FramePool,
      observer: SendObserver,
    ): Network {
      const reader = new BatchReader(pool, places, process, processes, run);
      const link = new RemoteLink({
        pool,
        places,
        mesh,
        run,
        observer,
        tailRate: spec.profile.link.rate,
        ...(spec.clock === 'real' && { fullFrames: PROMPT_FRAMES }),
      });
      return { mesh, link, inbox: new Inbox(reader) };
    }
  }

  begin(): void {
    this.controlBytesBefore = this.parts.controlBytes();
    this.ticker = setInterval(() => this.tellProgress(), PROGRESS_MS);
    this.windows?.start();
    this.free?.start();
  }

  /** A grant of virtual time; an answer is what is wrong with it. */
  grant(value: unknown, by: number, held: number): string | undefined {
    const grant = parseGrant(value, (this.parts.mesh ?? ALONE).processes);
    if (typeof grant === 'string') return grant;
    if (this.onGrant === undefined) return 'a grant, but this run has no windows';
    this.onGrant(grant, by, held);
    return undefined;
  }

  probe(probe: number): void {
    this.free?.probe(probe);
  }

  /** The run is over: tells its outcome and leaves nothing of it. */
  async collect(): Promise<void> {
    this.stop();
    const { machine, parts, run, captures } = this;
    captures?.close();
    await machine.settle();
    // What has not been told yet: how many ticks a run has depends on this machine.
    while (machine.notes.some((note) => !this.notesTold.has(note))) this.tellProgress();
    // Told before the outcome, which is then no result.
    if (machine.failure !== null) {
      parts.send(failureNotice(run, new ProgramFailure(machine.failure)));
    }
    this.tellOutcome();
    await this.close();
  }

  /** The run is given up, and with it what is known: where it stood, and what its programs waited for. */
  async giveUp(): Promise<void> {
    this.abandon();
    this.tellProgress();
    this.tellOutcome();
    await this.machine.close();
  }

  private tellOutcome(): void {
    const { machine, parts, run } = this;
    const outcome = machine.outcome();
    const controlBytes = parts.controlBytes() - this.controlBytesBefore;
    const cost = processCost(
      this.windows?.cost ?? this.free?.cost,
      this.network?.link,
      controlBytes,
    );
    parts.send({
      type: 'outcome',
      run,
      outcome,
      cost,
      metrics: machine.metrics(),
      blocked: machine.blocked,
    });
  }

  /** Ends the run where it stands. */
  async close(): Promise<void> {
    this.abandon();
    await this.machine.close();
  }

  /** `bytes` more captured bytes have arrived where they are kept. */
  taken(bytes: number): void {
    if (this.captures instanceof CaptureStream) this.captures.taken(bytes);
  }

  /** The process ends: nothing runs on, and what was captured is in its files, or sent. */
  abandon(): void {
    this.stop();
    this.captures?.close();
  }

  private stop(): void {
    clearInterval(this.ticker);
    this.windows?.stop();
    this.free?.stop();
  }

  private windowRunner(network: Network, member: WindowMember): WindowRunner {
    const { send, run } = this.parts;
    return new WindowRunner({
      ...network,
      member,
      pool: this.machine.pool,
      simulation: this.simulation(),
      control: {
        sendReport: (report) => send({ type: 'report', run, report }),
        onGrant: (callback) => {
          this.onGrant = callback;
        },
      },
      failed: (error) => this.failed(error),
    });
  }

  private freeRunner(network: Network | null, counter: FrameCounter): FreeRunner {
    const { machine } = this;
    const { send, run, spec } = this.parts;
    const simulation = this.simulation();
    return new FreeRunner({
      network,
      counter,
      pool: machine.pool,
      clock: spec.clock,
      simulation: {
        ...simulation,
        get now() {
          return machine.now;
        },
        get programsLeft() {
          return machine.programsLeft;
        },
      },
      quiet: (statement, probe) => send({ type: 'quiet', run, probe, ...statement }),
      failed: (error) => this.failed(error),
    });
  }

  private simulation(): Simulation {
    const { machine, captures } = this;
    return {
      next: () => machine.next(),
      earliestCommit: () => machine.next(),
      advance: async (bound, { wallMs }) => {
        const room = captures?.room;
        if (room !== undefined) await room;
        const outcome = await machine.advance(bound, wallMs);
        if (machine.failure !== null) throw new ProgramFailure(machine.failure);
        return outcome;
      },
      arrive: (slot) => machine.deliver(slot),
    };
  }

  private failed(error: Error): void {
    this.stop();
    this.captures?.flush();
    this.parts.send(failureNotice(this.run, error));
  }

  private tellProgress(): void {
    const { now, events, packets, notes } = this.machine;
    const news = notes.filter((note) => !this.notesTold.has(note)).slice(0, MOST_NOTES);
    for (const note of news) this.notesTold.add(note);
    this.parts.send({ type: 'progress', run: this.run, now, events, packets, notes: news });
  }
}

function captureSink({ run, spec, captureDirectory, mesh, send }: ProcessRunParts): CaptureSink {
  if (captureDirectory !== '') return new CaptureFiles(captureDirectory, spec.local);
  return new CaptureStream(spec.local, (mesh ?? ALONE).processes, (host, bytes) =>
    send({ type: 'captured', run, host, bytes }),
  );
}

/** What ended a run, for the coordinator: a program's failure has its place, the model's its stack. */
export function failureNotice(run: number, error: unknown): Notice {
  if (error instanceof ProgramFailure) return { type: 'failed', run, ...error.failure };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { type: 'failed', run, host: -1, core: -1, message, stack: stack ?? '' };
}
