/**
 * A cluster that is up elsewhere, as the place of a command's runs: each is asked of its coordinator, waits there for
 * its turn, and comes back as a record like one of the command's own processes.
 */
import { formatSize } from '../../units/size.js';
import { printableLines, type ClientReply } from '../../wire/control/client-messages.js';
import { MAX_CONTROL_BYTES } from '../../wire/control/codec.js';
import { CapturedFiles } from '../run/captured-files.js';
import { clientRun } from './client-run.js';
import type { CoordinatorLine } from './coordinator-line.js';
import { RunError } from '../errors/run-error.js';
import type { PlacedRun, RunPlace } from '../run/run-place.js';
import { parseRunRecord } from '../run/run-record.js';
import { parseKnownRun } from '../run/unfinished-run.js';
import type { RunRecord } from '../run/run.js';

/** Whatever is under way to the coordinator when the command ends has this long to get there. */
const FAREWELL_MS = 1_000;

/** A run is one message, and something else is in it too. */
const MOST_INPUT_BYTES = MAX_CONTROL_BYTES - 2 ** 24;

interface Asked {
  readonly run: PlacedRun;
  readonly captured: CapturedFiles | undefined;
  readonly resolve: (record: RunRecord) => void;
  readonly reject: (error: RunError) => void;
}

export class AttachedCluster implements RunPlace {
  /** Of the host processes of the latest run. */
  pids: readonly number[] = [];
  readonly refused = 0;
  private readonly line: CoordinatorLine;
  /** By number: runs that have not ended. */
  private readonly asked = new Map<number, Asked>();
  private runs = 0;
  private lost: RunError | undefined;
  private readonly closed: Promise<void>;

  constructor(line: CoordinatorLine) {
    this.line = line;
    let markClosed: () => void;
    this.closed = new Promise((resolve) => (markClosed = resolve));
    let farewell: string | undefined;
    line.listener = {
      heard: (reply) => {
        if (reply.type === 'closing') farewell = reply.reason;
        else this.heard(reply);
      },
      lost: (reason) => {
        this.lost = new RunError(
          farewell === undefined
            ? `lost the coordinator at ${line.url}: it ${reason}`
            : `the coordinator at ${line.url} ended the session: ${farewell}`,
        );
        for (const { reject } of this.asked.values()) reject(this.lost);
        this.asked.clear();
        markClosed();
      },
    };
  }

  async execute(run: PlacedRun): Promise<RunRecord> {
    if (this.lost !== undefined) throw this.lost;
    // It may have been given while nothing ran.
    if (run.signal?.aborted === true) throw run.signal.reason as RunError;
    const bytes = [...run.spec.inputs.values()].reduce((sum, { length }) => sum + length, 0);
    if (bytes > MOST_INPUT_BYTES) {
      throw new RunError(
        `${run.name}: its input files total ${bytes} bytes; with --attach the limit is ${formatSize(MOST_INPUT_BYTES)}`,
      );
    }
    const id = ++this.runs;
    const captured = run.spec.capture
      ? new CapturedFiles(run.captureDirectory, run.spec.hosts)
      : undefined;
    // Given up, it still ends with what the coordinator knows of it.
    const cancel = (): void => {
      if (this.asked.has(id)) this.line.send({ type: 'cancel', id });
    };
    run.signal?.addEventListener('abort', cancel);
    return new Promise<RunRecord>((resolve, reject) => {
      this.asked.set(id, { run, captured, resolve, reject });
      this.line.send({ type: 'run', id, name: run.name, run: clientRun(run.spec) });
    }).finally(() => {
      run.signal?.removeEventListener('abort', cancel);
      captured?.close();
    });
  }

  /** Gives up what is not done, and hangs up. */
  async stop(): Promise<void> {
    for (const id of this.asked.keys()) this.line.send({ type: 'cancel', id });
    this.line.close();
    const late = setTimeout(() => this.line.drop(), FAREWELL_MS);
    await this.closed;
    clearTimeout(late);
  }

  /** Breaks the line off: the coordinator gives this command's runs up. Safe in an 'exit' handler. */
  kill(): void {
    this.line.drop();
  }

  /** Why a run ended early, with its known part. */
  private failure({ message, known }: Extract<ClientReply, { type: 'failed' }>): RunError {
    const error = new RunError(printableLines(message));
    if (known === undefined) return error;
    const run = parseKnownRun(known);
    if (typeof run === 'string') {
      return new RunError(`${error.message} (${this.line.url} sent a malformed message: ${run})`);
    }
    error.known = run;
    return error;
  }

  private heard(reply: ClientReply): void {
    if (!('id' in reply)) return;
    // More may still be on its way from a run that was given up.
    const asked = this.asked.get(reply.id);
    if (asked === undefined) return;
    const { run } = asked;
    switch (reply.type) {
      case 'queued':
        if (reply.before > 0 || reply.missing > 0) run.onWaiting?.(waitingFor(reply));
        return;
      case 'started':
        this.pids = reply.pids;
        run.onStart?.();
        return;
      case 'progress':
        run.onProgress?.(reply);
        return;
      case 'noted':
        run.onNotes?.(reply.notes);
        return;
      case 'captured':
        try {
          asked.captured?.append(reply.host, reply.bytes);
        } catch (error) {
          this.asked.delete(reply.id);
          this.line.send({ type: 'cancel', id: reply.id });
          asked.reject(error as RunError);
        }
        return;
      case 'record': {
        this.asked.delete(reply.id);
        const record = parseRunRecord(reply.record, performance.now());
        if (typeof record !== 'string') asked.resolve(record);
        else asked.reject(new RunError(`${this.line.url} sent a malformed message: ${record}`));
        return;
      }
      case 'failed':
        this.asked.delete(reply.id);
        asked.reject(this.failure(reply));
        return;
    }
  }
}

/** `waiting for 2 runs ahead of this one`, `waiting for hosts: 2 of 8 have joined`. */
function waitingFor({
  before,
  missing,
  hosts,
}: Pick<Extract<ClientReply, { type: 'queued' }>, 'before' | 'missing' | 'hosts'>): string {
  if (missing > 0) return `waiting for hosts: ${hosts - missing} of ${hosts} have joined`;
  if (before === 0) return 'about to start';
  return `waiting for ${before} run${before === 1 ? '' : 's'} ahead of this one`;
}
