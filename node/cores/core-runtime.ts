/** Where programs run: in the host's own thread, or each in a worker. */
import type { ChainLog } from '../../sim/chain-log.js';
import type { RunFailure } from '../spec/run-spec.js';
import type { Task } from '../program/verbs.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import type { HostCore } from './host-core.js';
import type { CoreIdentity } from '../program/program-core.js';
import { toldError, type ToldError } from './told-error.js';

/** What came of a program. */
export interface ProgramResult {
  readonly value: unknown;
  readonly counters: Readonly<Record<string, number>>;
  /** Why it failed, or what it did wrong on the way; null where there is nothing. */
  readonly failure: ToldError | null;
  /** A rejection that it lost, where it is known whose it is. */
  readonly lost?: ToldError | undefined;
}

export interface CoreRuntime {
  /** Whether several segments may run at once. */
  readonly parallel: boolean;
  /** The mailbox of a core to be, which comes back with {@link add}. `log`: of the chains that this thread has. */
  mailbox(log: ChainLog): Mailbox;
  /** Has the run's program for `core` made ready; it begins when the core is first resumed. */
  add(core: HostCore, identity: CoreIdentity, task: Task): Promise<void>;
  /** Resolves when all programs are ready to begin. */
  ready(): Promise<void>;
  /** Begins the segment of a core that is due. */
  resume(core: HostCore): void;
  /** Whether its segment has ended; if not, ask again after {@link turn}. Throws when it never will. */
  isBack(core: HostCore): boolean;
  /** Resolves when {@link isBack} may have another answer. */
  turn(): Promise<void>;
  /** What came of the program of a core that has ended or failed. */
  result(core: HostCore): Promise<ProgramResult>;
  /** The run is over, and the core still waits: its program is given up. What it counted, and what it did wrong. */
  giveUp(core: HostCore): Promise<ProgramResult>;
  /** The run is over: a rejection that programs of this thread lost, whichever of them it was. */
  lost(): Promise<ToldError | undefined>;
  /** Ends whatever still runs. */
  close(): Promise<void>;
}

export const describeFailure = (core: HostCore, error: unknown): RunFailure => ({
  host: core.host,
  core: core.index,
  ...toldError(error),
});
