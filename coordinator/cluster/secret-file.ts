/** Files that hold a secret or a certificate: read whole, and looked at as `ssh` looks at its keys. */
import { readFileSync, statSync } from 'node:fs';
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';

const LARGEST = 1 << 20;
/** Where containers are given theirs: what their files' modes say is the engine's doing, and nobody else is there. */
const MOUNTED = '/run/secrets/';

/** The file does not exist yet: its writer may start later. */
export class FileNotThere extends RunError {}

/** Files whose readers were told of already. */
const warned = new Set<string>();

/**
 * The text of the file that `option` names. `warn` hears once of a secret that others may read; one that others may
 * write is refused, as it is not its owner's any more. Throws FileNotThere, or a UsageError.
 */
export function readSecret(option: string, file: string, warn: (line: string) => void): string {
  const text = readTextFile(option, file);
  const { mode } = statSync(file);
  if (file.startsWith(MOUNTED)) return text;
  if ((mode & 0o022) !== 0) {
    throw new UsageError(`${option} ${file}: others may write it (chmod 600 ${file})`);
  }
  if ((mode & 0o044) !== 0 && !warned.has(file)) {
    warned.add(file);
    warn(`pinwire: warning: ${option} ${file}: others may read it (chmod 600 ${file})`);
  }
  return text;
}

/** The text of the file that `option` names. Throws FileNotThere, or a UsageError. */
export function readTextFile(option: string, file: string): string {
  try {
    if (statSync(file).size > LARGEST) throw new UsageError(`${option} ${file}: is too long`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new FileNotThere(`${option} ${file}: no such file`);
    throw new UsageError(`${option} ${file}: ${code ?? message}`);
  }
}
