/** `run NAME --help`: the parameters of the workloads that are named, of the catalogue or a user's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moduleDirectory, resolveWorkload } from '../plan/programs.js';
import { listParameters } from './parameter-list.js';

/** Rejects with a UsageError for a name that is not known, or a module that cannot be loaded. */
export async function workloadHelp(names: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'pinwire-help-'));
  try {
    const parts: string[] = ['\nParameters (--set NAME=VALUE):\n'];
    for (const [index, name] of names.entries()) {
      const found = await resolveWorkload(name, moduleDirectory(directory, index), 'private');
      parts.push(listParameters(found.name, found.workload));
    }
    return parts.join('\n');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
