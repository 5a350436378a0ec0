/** Where programs run: in the host's own thread, or each in a worker. */
import type { ChainLog } from '../../sim/chain-log.js';
import type { RunFailure } from '../spec/run-spec.js';
import type { Task } from '../program/verbs.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import type { HostCore } from './host-core.js';
import type { CoreIdentity } from '../program/program-core.js';

export interface ProgramResult {
  readonly value: unknown;
  readonly counters: Readonly<Record<string, number>>;
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
  /** What the program of an ended core returned, and what it counted. */
  result(core: HostCore): Promise<ProgramResult>;
  /** Why the program of a failed core failed. */
  failure(core: HostCore): Promise<RunFailure>;
  /** Ends whatever still runs. */
  close(): Promise<void>;
}

export function describeFailure(core: HostCore, error: unknown): RunFailure {
  const known = error instanceof Error;
  return {
    host: core.host,
    core: core.index,
    message: known ? `${error.name}: ${error.message}` : String(error),
    stack: known ? (error.stack ?? '') : '',
  };
}
