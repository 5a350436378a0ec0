/**
 * A Hawkes process: each event makes further ones likelier for a while, as orders follow orders.
 *
 *   intensity(t) = baseline + sum over kernels k and past events i of branching_k decay_k exp(-decay_k (t - t_i))
 *
 * Simulated by Ogata's thinning: between events the intensity only falls, so its present value bounds it.
 */
export interface HawkesKernel {
  /** Events that one event brings about directly through this kernel, on average. */
  readonly branching: number;
  /** Per second. */
  readonly decay: number;
}

export interface HawkesParameters {
  /** Events per second that nothing brought about. */
  readonly baseline: number;
  readonly kernels: readonly HawkesKernel[];
}

/** Events per second in the long run: baseline / (1 - sum of branching). */
export function hawkesRate({ baseline, kernels }: HawkesParameters): number {
  const branching = kernels.reduce((sum, kernel) => sum + kernel.branching, 0);
  return baseline / (1 - branching);
}

export class Hawkes {
  /** Seconds: when the last event was. */
  time = 0;
  /** Whether the last event was brought about by an earlier one. */
  excited = false;
  private readonly parameters: HawkesParameters;
  private readonly random: () => number;
  /** What each kernel adds to the intensity at `time`. */
  private readonly excitement: Float64Array;

  constructor(parameters: HawkesParameters, random: () => number) {
    this.parameters = parameters;
    this.random = random;
    this.excitement = new Float64Array(parameters.kernels.length);
  }

  /** Goes on to the next event. */
  advance(): void {
    const { baseline, kernels } = this.parameters;
    const { excitement } = this;
    let bound = this.intensity();
    for (;;) {
      const wait = -Math.log(1 - this.random()) / bound;
      this.time += wait;
      kernels.forEach((kernel, k) => (excitement[k]! *= Math.exp(-kernel.decay * wait)));
      const intensity = this.intensity();
      const mark = this.random() * bound;
      if (mark < intensity) {
        this.excited = mark >= baseline;
        break;
      }
      bound = intensity;
    }
    kernels.forEach((kernel, k) => (excitement[k]! += kernel.branching * kernel.decay));
  }

  private intensity(): number {
    let sum = this.parameters.baseline;
    for (const part of this.excitement) sum += part;
    return sum;
  }
}
