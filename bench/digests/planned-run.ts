/** A run that is to be recorded: what it is called, its command line, and how long it may take. */
export interface PlannedRun {
  readonly name: string;
  /** What follows `pinwire`; paths in it are relative to a scratch directory. */
  readonly argv: readonly string[];
  /** Of wall clock. */
  readonly seconds: number;
}

export const SUITES = ['micro', 'host', 'hpc', 'trading'] as const;
/** The longest suite takes minutes on an idle machine. */
const SUITE_SECONDS = 3600;

/** Every suite with every seed, all hosts in one process. */
export const suiteRuns = (suites: readonly string[], seeds: readonly number[]): PlannedRun[] =>
  seeds.flatMap((seed) =>
    suites.map((suite) => ({
      name: `suite ${suite} seed ${seed}`,
      argv: ['suite', suite, '--placement', 'embedded', '--seed', String(seed)],
      seconds: SUITE_SECONDS,
    })),
  );
