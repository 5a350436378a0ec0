/**
 * Lookahead: how far ahead of a frame's commit its arrival lies, at the least, per ordered pair of processes.
 *
 * `direct(from, to)` is the least over the pairs of hosts that the two processes run. What one process does can
 * also reach another through a third, so bounds use `path(from, to)`: the least sum over any chain of hops, where each
 * process on the way takes at least its `reaction` from a frame's arrival to a commit that the frame causes.
 */
export class Lookahead {
  readonly processes: number;
  /** Per process: the least time from the arrival of a frame to a commit that it causes. */
  readonly reaction: Float64Array;
  private readonly directs: Float64Array;
  private readonly paths: Float64Array;

  /**
   * `direct[from * processes + to]` in ps; Infinity where no frame can go; the diagonal is not read. Throws where a
   * pair has no lookahead at all, because then no window could ever be granted.
   */
  constructor(processes: number, direct: ArrayLike<number>, reaction?: ArrayLike<number>) {
    this.processes = processes;
    this.reaction = new Float64Array(processes);
    if (reaction !== undefined) this.reaction.set(reaction);
    this.directs = Float64Array.from(direct);
    for (let from = 0; from < processes; from++) {
      for (let to = 0; to < processes; to++) {
        if (from === to) continue;
        const length = this.direct(from, to);
        if (!(length > 0)) {
          throw new Error(
            `lookahead from process ${from} to process ${to} is ${length} ps, not > 0`,
          );
        }
      }
    }
    this.paths = this.closure();
  }

  /** The same lookahead between all processes. */
  static uniform(processes: number, length: number, reaction = 0): Lookahead {
    return new Lookahead(
      processes,
      new Float64Array(processes * processes).fill(length),
      new Float64Array(processes).fill(reaction),
    );
  }

  direct(from: number, to: number): number {
    return this.directs[from * this.processes + to]!;
  }

  /** From a commit in `from` to the earliest arrival in `to` that it can cause, by whatever way. */
  path(from: number, to: number): number {
    return this.paths[from * this.processes + to]!;
  }

  /** Floyd and Warshall, with the reaction of the process in the middle. */
  private closure(): Float64Array {
    const { processes, reaction } = this;
    const paths = Float64Array.from(this.directs);
    for (let middle = 0; middle < processes; middle++) {
      for (let from = 0; from < processes; from++) {
        if (from === middle) continue;
        const first = paths[from * processes + middle]! + reaction[middle]!;
        for (let to = 0; to < processes; to++) {
          if (to === from || to === middle) continue;
          const through = first + paths[middle * processes + to]!;
          if (through < paths[from * processes + to]!) paths[from * processes + to] = through;
        }
      }
    }
    return paths;
  }
}
