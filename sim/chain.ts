/**
 * Chains: what an operation's time has gone into so far.
 *
 * A row of a table is one chain: of which operation, when that was meant to start, what each stage has had, and up to
 * when the row accounts. `advance` gives the interval since then to one stage, so the stages tile the operation's
 * latency by construction, in whole picoseconds. Where two prerequisites of one operation join, the chain of the later
 * one goes on: the binding predecessor. Operation 0 is nobody's: its rows cost nothing.
 *
 * Two kinds of table have this one interface. A thread's own chains are links of a log ({@link LoggedChains}); rows
 * that threads share are flat ({@link SharedChains}). Rows can be copied from any table to any.
 */
import type { Instant } from '../units/time.js';
import { ChainLog, NOBODYS, type ChainHolder, type HeldLinks } from './chain-log.js';
import { STAGE_COUNT } from './stages.js';

export abstract class ChainTable {
  abstract readonly rows: number;

  /** Makes room for rows up to `rows`; what is there stays. */
  abstract grow(rows: number): void;

  /** A table of the same kind, which can take this one's rows cheaply. */
  abstract alike(rows: number): ChainTable;

  /** Begins operation `operation` at its intended start. */
  abstract begin(row: number, operation: number, started: number): void;

  /** Goes on with an operation whose stages have had `sums` up to `asOf`. */
  abstract resume(
    row: number,
    operation: number,
    started: number,
    asOf: number,
    sums: Float64Array,
  ): void;

  /** The row is nobody's. */
  abstract clear(row: number): void;

  abstract operation(row: number): number;

  /** When the operation was meant to start. */
  abstract started(row: number): Instant;

  /** Up to when the row accounts. */
  abstract asOf(row: number): Instant;

  /** What each stage has had; written over `into`, if that is given. */
  abstract stages(row: number, into?: Float64Array): Float64Array;

  /** Gives the time from the row's last instant up to `now` to `stage`. Nothing if `now` is not later. */
  abstract advance(row: number, stage: number, now: number): void;

  /** Copies row `source` of `from` over row `row`. */
  abstract copy(row: number, from: ChainTable, source: number): void;

  /** A link of `log` for the chain in `row`. */
  abstract linkIn(log: ChainLog, row: number): number;

  /**
   * Whether a core whose own chain is row `row` may go on with `operation` instead. One that takes part in a collective
   * operation (they have negative numbers) stays with it.
   */
  mayGoOnWith(row: number, operation: number): boolean {
    const own = this.operation(row);
    return own >= 0 || own === operation;
  }
}

/** Rows that are links of a run's log. */
export class LoggedChains extends ChainTable implements ChainHolder {
  private links: Int32Array;
  private readonly log: ChainLog;

  constructor(log: ChainLog, rows: number) {
    super();
    this.log = log;
    this.links = new Int32Array(rows);
    log.register(this);
  }

  get rows(): number {
    return this.links.length;
  }

  grow(rows: number): void {
    if (rows <= this.links.length) return;
    const links = new Int32Array(rows);
    links.set(this.links);
    this.links = links;
  }

  alike(rows: number): ChainTable {
    return new LoggedChains(this.log, rows);
  }

  begin(row: number, operation: number, started: number): void {
    this.log.makeRoom();
    this.links[row] = this.log.begin(operation, started);
  }

  resume(row: number, operation: number, started: number, asOf: number, sums: Float64Array): void {
    this.log.makeRoom();
    this.links[row] = this.log.resume(operation, started, asOf, sums);
  }

  clear(row: number): void {
    this.links[row] = NOBODYS;
  }

  operation(row: number): number {
    return this.log.operation(this.links[row]!);
  }

  started(row: number): Instant {
    return this.log.started(this.links[row]!);
  }

  asOf(row: number): Instant {
    return this.log.until(this.links[row]!);
  }

  stages(row: number, into: Float64Array = new Float64Array(STAGE_COUNT)): Float64Array {
    this.log.stages(this.links[row]!, into);
    return into;
  }

  advance(row: number, stage: number, now: number): void {
    if (this.links[row] !== NOBODYS) this.extend(row, stage, now);
  }

  /** {@link advance} through `stages` in turn, each up to its instant. */
  advanceThrough(row: number, stages: Uint8Array, instants: Float64Array): void {
    const { links, log } = this;
    if (links[row] === NOBODYS) return;
    log.makeRoom(stages.length);
    links[row] = log.addAll(links[row]!, stages, instants);
  }

  private extend(row: number, stage: number, now: number): void {
    const { links, log } = this;
    if (now <= log.until(links[row]!)) return;
    log.makeRoom();
    links[row] = log.add(links[row]!, stage, now);
  }

  copy(row: number, from: ChainTable, source: number): void {
    this.links[row] = from.linkIn(this.log, source);
  }

  linkIn(log: ChainLog, row: number): number {
    const link = this.links[row]!;
    if (log !== this.log && link !== NOBODYS) throw otherRun();
    return link;
  }

  collect(held: HeldLinks): void {
    const { links } = this;
    held.rows += links.length;
    for (let row = 0; row < links.length; row++) {
      const link = links[row]!;
      if (link !== NOBODYS) held.add(link);
    }
  }

  renumber(moved: Int32Array): void {
    const { links } = this;
    for (let row = 0; row < links.length; row++) links[row] = moved[links[row]!]!;
  }
}

const otherRun = (): Error => new Error('a chain of another run');

/** A table of one row that is nobody's, for work that belongs to no operation. */
export const NOBODYS_CHAINS: ChainTable = new LoggedChains(new ChainLog(1), 1);
