/** The workloads that come with pinwire, and the suites made of them. Each is loaded only when it is asked for. */
import type { Parameters, Workload } from './workload.js';

export interface CatalogueEntry {
  readonly name: string;
  load(): Promise<{ readonly default: Workload }>;
  /** The built module, for the processes that run its program. */
  readonly moduleUrl: string;
}

export interface SuiteMember {
  readonly name: string;
  /** Parameters that differ from the workload's defaults. */
  readonly params?: Parameters;
}

export const CATALOGUE: readonly CatalogueEntry[] = [];

export const SUITES: Readonly<Record<string, readonly SuiteMember[]>> = {
  micro: [],
  host: [],
  hpc: [],
  trading: [],
  all: [],
  demo: [],
};
