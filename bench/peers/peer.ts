/** A simulator that pinwire is compared with, and a program of ours that it runs. */
import { fileURLToPath } from 'node:url';
import { RunError } from '../../coordinator/errors/run-error.js';

/** Something that must exist before a program can be built. */
export interface Need {
  readonly what: string;
  /** Ends with status 0 where it exists. */
  readonly command: readonly string[];
}

export interface Peer {
  readonly name: string;
  /** What apt calls it. */
  readonly packages: string;
  readonly needs: readonly Need[];
  /** Builds `source` into `binary`. */
  build(source: string, binary: string): readonly string[];
  /** Runs the binary for that number of iterations. */
  run(binary: string, program: PeerProgram, iterations: number): readonly string[];
}

export interface PeerProgram {
  readonly peer: Peer;
  /** Below bench/peers/. */
  readonly source: string;
  /** MPI ranks; 0 where there are none. */
  readonly ranks: number;
  readonly unitsPerIteration: number;
  /** Simulated ns per unit: outside of this the program did something else. */
  readonly plausible: { readonly least: number; readonly most: number };
}

/** The programs stay where they were written: only TypeScript is compiled into dist/. */
const DIRECTORY = fileURLToPath(new URL('../../../bench/peers/', import.meta.url));

/** The path of something below bench/peers/. */
export const sourcePath = (name: string): string => `${DIRECTORY}${name}`;

/** Why the peer is left out: the needs that are missing and what installs them. Undefined if it has all of them. */
export function skipReason(
  { needs, packages }: Peer,
  isThere: (need: Need) => boolean,
): string | undefined {
  const missing = needs.filter((need) => !isThere(need)).map(({ what }) => what);
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')} not found; on Debian: apt-get install -y ${packages}`;
}

/** Units that a run did, out of the line that it printed. Throws a RunError if that is not what it was asked to do. */
export function unitsDone(output: string, program: PeerProgram, iterations: number): number {
  const { source, unitsPerIteration, plausible } = program;
  const asked = iterations * unitsPerIteration;
  const report = readReport(output);
  if (report?.done !== asked) {
    throw new RunError(`${source}: ${asked} units were asked for, and it says: ${output.trim()}`);
  }
  const each = report.simulated_ns / asked;
  if (each >= plausible.least && each <= plausible.most) return asked;
  throw new RunError(
    `${source}: ${each.toFixed(2)} simulated ns each, which is not within ${plausible.least} to ${plausible.most}`,
  );
}

function readReport(output: string): { done: number; simulated_ns: number } | undefined {
  try {
    return JSON.parse(output) as { done: number; simulated_ns: number };
  } catch {
    return undefined;
  }
}
