/** Input files: read whole before anything starts, and handed to programs as bytes, by parameter name. */
import { readFileSync, statSync } from 'node:fs';
import { formatSize } from '../../units/size.js';
import type { Parameters, Workload } from '../../workloads/authoring/workload.js';
import { UsageError } from '../errors/usage-error.js';

/** They travel to every process that runs a program. */
const LARGEST_FILE = 256 * 2 ** 20;

/**
 * The files that the parameters of kind `file` name; an empty one names none. `files` are at hand, by that name or by
 * the parameter's; others are read.
 */
export function readInputs(
  workload: Workload,
  params: Parameters,
  files: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const inputs = new Map<string, Uint8Array>();
  for (const [name, spec] of Object.entries(workload.parameters)) {
    const path = params[name];
    const bytes = files.get(String(path)) ?? files.get(name);
    if (spec.type === 'file' && bytes !== undefined) {
      inputs.set(name, bytes);
    } else if (spec.type === 'file' && typeof path === 'string' && path !== '') {
      inputs.set(name, readInput(name, path));
    }
  }
  return inputs;
}

function readInput(name: string, path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_FILE) {
      throw new UsageError(
        `--set ${name}=${path}: has ${size} bytes; the limit for an input file is ${formatSize(LARGEST_FILE)}`,
      );
    }
    const bytes = readFileSync(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file' : (code ?? String(error));
    throw new UsageError(`--set ${name}=${path}: ${reason}`);
  }
}
