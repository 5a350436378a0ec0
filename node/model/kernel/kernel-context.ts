/**
 * The kernel at work: on which core, up to when, and on whose behalf. One at a time serves a whole kernel, because
 * nothing in it waits: a system call or a softirq runs from its begin to its end, and its time runs ahead of the
 * scheduler's meanwhile.
 */
import { NOBODYS_CHAINS, type ChainTable } from '../../../sim/chain.js';
import { draw, type DrawnCost } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';

export class KernelContext {
  /** Counts the pieces of work that nothing interrupted. */
  piece = 0;
  /** The kernel's time: where the work has got to. */
  time = 0;
  core = 0;
  /** The row of `chains` that the work belongs to. */
  chains: ChainTable = NOBODYS_CHAINS;
  row = 0;
  private readonly random: RandomStream;

  constructor(random: RandomStream) {
    this.random = random;
  }

  /** Begins at `at` on core `core`, for the operation in row `row` of `chains`. */
  begin(core: number, at: number, chains: ChainTable = NOBODYS_CHAINS, row = 0): void {
    this.piece++;
    this.core = core;
    this.time = at;
    this.chains = chains;
    this.row = row;
  }

  /** Goes on for another operation, which has waited in `stage` so far. */
  resume(chains: ChainTable, row: number, stage: number): void {
    this.begin(this.core, this.time, chains, row);
    this.pass(0, stage);
  }

  /** `paid` of the cost have passed already. */
  spend(cost: DrawnCost, stage: number, paid = 0): void {
    this.pass(Math.max(0, draw(cost, this.random) - paid), stage);
  }

  pass(length: number, stage: number): void {
    this.time += length;
    this.chains.advance(this.row, stage, this.time);
  }
}
