/** `--programs DIR`: what a host's operator lets runs load there besides the installed catalogue. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProgramPolicy } from '../../node/process/process-environment.js';
import { UsageError } from '../errors/usage-error.js';

export interface ProgramOptions {
  readonly programs?: readonly string[] | undefined;
}

/** The policy of a host process that serves others. Throws a UsageError for a path that is not a directory. */
export function programPolicy({ programs = [] }: ProgramOptions): ProgramPolicy {
  for (const path of programs) {
    const problem = problemOf(path);
    if (problem !== undefined) throw new UsageError(`--programs ${path}: ${problem}`);
  }
  return { files: false, directories: programs.map((path) => resolve(path)) };
}

function problemOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return 'no such directory';
    return found.isDirectory() ? undefined : 'is not a directory';
  } catch (error) {
    return (error as Error).message;
  }
}
