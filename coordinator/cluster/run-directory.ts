/**
 * Where a user's running clusters leave their tokens: `$XDG_RUNTIME_DIR/pinwire`, else a directory under the
 * system's temporary one; only the user can look inside. A token's file is named by its cluster's port.
 */
import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunError } from '../errors/run-error.js';

/** The user's run directory, made if it is not there. Throws if somebody else has put something in its place. */
export function runDirectory(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  // A container's user may be a number without a name.
  const uid = process.getuid?.() ?? -1;
  const directory =
    runtime === undefined || runtime === ''
      ? join(tmpdir(), `pinwire-${uid}`)
      : join(runtime, 'pinwire');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const status = lstatSync(directory);
  if (!status.isDirectory() || (uid >= 0 && status.uid !== uid)) {
    throw new RunError(`${directory} does not belong to this user; the token cannot be kept there`);
  }
  // One that is mounted read-only cannot be told what it is already.
  if ((status.mode & 0o777) !== 0o700) chmodSync(directory, 0o700);
  return directory;
}

/** The file of the token of the cluster at `port`; it need not be there. */
export const tokenFileOf = (port: number): string => join(runDirectory(), `${port}.token`);

/** Writes the token of the cluster at `port`, readable by the user alone; answers where. */
export function writeTokenFile(port: number, token: string): string {
  const file = tokenFileOf(port);
  // A file left by a cluster that was killed may have the name; a new one gets its mode from the start.
  rmSync(file, { force: true });
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return file;
}
