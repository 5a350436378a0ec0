/** Finding the program of a run: the `program` of the workload that its module exports by default. */
import type { Program } from '../verbs.js';

export async function loadProgram(module: string): Promise<Program> {
  const loaded = (await import(module)) as { default?: { program?: unknown } };
  const program = loaded.default?.program;
  if (typeof program !== 'function')
    throw new Error(`${module} exports no workload with a program`);
  return program as Program;
}
