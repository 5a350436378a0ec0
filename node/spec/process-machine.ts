/** What a process needs of its machine, the hosts of one run, and of the model's failures. */
import type { HostMetrics } from '../process/host-metrics.js';
import type { Bound } from '../links/window-runner.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import type { Port } from '../model/fabric/port.js';
import type { Topology } from '../model/fabric/topology.js';
import type { RunFailure, RunOutcome, RunSpec } from './run-spec.js';
import type { Program } from '../program/verbs.js';

export interface ProcessMachine {
  readonly pool: FramePool;
  /** The earliest pending event, Infinity when all is quiet; on the real clock, when the next timer is due. */
  next(): number;
  /** Does the events before the bound; 'yield' when its time slice is over, and it wants to be called again. */
  advance(bound: Bound, sliceMs: number): Promise<'drained' | 'yield'>;
  /** Takes over a frame from another process. */
  deliver(slot: number): void;
  /** Where the run's clock stands, in ps. */
  readonly now: number;
  readonly events: number;
  readonly packets: number;
  readonly failure: RunFailure | null;
  /** Programs that have not ended, and what each waits for. */
  readonly blocked: readonly string[];
  readonly programsLeft: number;
  /** What the run's user should know although it is no failure, a line each, in order; it only grows. */
  readonly notes: readonly string[];
  /** The run is over: gives up the programs that still wait, and finds what was wrong without ending it (`failure`). */
  settle(): Promise<void>;
  outcome(): RunOutcome;
  metrics(): readonly HostMetrics[];
  close(): Promise<void>;
}

/**
 * Where the program of a machine's cores comes from: itself (inline cores only), or the URL of the module whose default
 * export, a workload, has it.
 */
export type ProgramSource = Program | string;

export interface MachineWiring {
  /** The way to the elements of other processes; null when there is none. */
  readonly remote: Port | null;
  /** Instead of the topology that the run names. */
  readonly topology?: Topology;
  readonly pool?: FramePool;
  /** Takes the next bytes of a host's capture file. */
  readonly capture?: (host: number, bytes: Uint8Array) => void;
  /** Undefined where no program runs. */
  readonly program?: ProgramSource | undefined;
}

export type MachineFactory = (spec: RunSpec, wiring: MachineWiring) => Promise<ProcessMachine>;

/** A program threw or broke the rules: ends the run, and says where. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure';
  readonly failure: RunFailure;

  constructor(failure: RunFailure) {
    super(failure.message);
    this.failure = failure;
  }
}
