/** The package's own version; this file runs from `coordinator/` and from `dist/coordinator/`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const VERSION = readVersion(dirname(fileURLToPath(import.meta.url)));

/** `20` of `v20.20.2`. */
export const majorOf = (version: string): string => version.replace(/^v/, '').split('.')[0]!;

function readVersion(directory: string): string {
  const file = join(directory, 'package.json');
  if (!existsSync(file)) return readVersion(dirname(directory));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
