/**
 * What one run is made of, as the coordinator sends it to each process. Equal specs give equal results, byte for byte,
 * under the virtual clock; only `local` and `coreRuntime` may differ between placements.
 */
import type { Profile } from './profile.js';

export type ProgramParameters = Readonly<Record<string, number | string | boolean>>;

/** One program: rank `rank` runs the `program` of the workload that `module` exports by default. */
export interface ProgramSpec {
  readonly rank: number;
  readonly host: number;
  readonly core: number;
  readonly role: string;
}

/** `--fault`: probabilities per frame on every link, drawn from the seed; `delay` is added in ps to delayed frames. */
export interface FaultSpec {
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly delayed: number;
  readonly delay: number;
}

export interface RunSpec {
  /** All hosts of the cluster; those that this process is to build. */
  readonly hosts: number;
  readonly local: readonly number[];
  readonly cores: number;
  /** Bytes of emulated memory per host. */
  readonly memory: number;
  /** As the model uses it: overrides and noise already applied. */
  readonly profile: Profile;
  readonly mtu: number;
  readonly topology: 'switch' | 'direct';
  readonly clock: 'virtual' | 'real';
  readonly noise: boolean;
  readonly seed: number;
  readonly faults: FaultSpec | null;
  /** Whether the frames of every host are captured (`--capture`). */
  readonly capture: boolean;
  readonly trace: 'headers' | 'full';
  readonly coreRuntime: 'worker' | 'inline';
  /** file: URL of a built module whose default export is the workload. */
  readonly module: string;
  readonly params: ProgramParameters;
  readonly programs: readonly ProgramSpec[];
  /** Input files by parameter name. */
  readonly inputs: ReadonlyMap<string, Uint8Array>;
}

/** What one process has to say when a run is over. */
export interface RunOutcome {
  /** By rank, for the programs of this process. */
  readonly results: readonly {
    readonly rank: number;
    readonly value: unknown;
    readonly endedAt: number;
  }[];
  /** By host: the digest of its trace, and its counters. */
  readonly hosts: readonly {
    readonly host: number;
    readonly digest: string;
    readonly counters: Readonly<Record<string, number>>;
  }[];
  readonly events: number;
  readonly packets: number;
}

/** Why a run cannot go on: a program threw or broke the rules, or the model found itself in error. */
export interface RunFailure {
  readonly host: number;
  readonly core: number;
  readonly message: string;
  readonly stack: string;
}
