/** Finding the program of a run: the `program` of the workload that its module exports by default. */
import type { ProgramSource } from '../spec/process-machine.js';
import type { Program } from '../program/verbs.js';

export async function loadProgram(source: ProgramSource | undefined): Promise<Program> {
  if (source === undefined) throw new Error('a core, but no program for it');
  return typeof source === 'string' ? importProgram(source) : source;
}

async function importProgram(module: string): Promise<Program> {
  const loaded = (await import(module)) as { default?: { program?: unknown } };
  const program = loaded.default?.program;
  if (typeof program !== 'function')
    throw new Error(`${module} exports no workload with a program`);
  return program as Program;
}
