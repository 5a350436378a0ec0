/** Before the process tests: `dist/` is there and not older than any source, or it is built now, once. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROOMS = ['units', 'sim', 'wire', 'node', 'coordinator', 'workloads', 'bench'];

export default function buildIsThere(): void {
  const stamp = join(ROOT, 'dist', '.tsbuildinfo');
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (ROOMS.every((room) => newest(join(ROOT, room)) <= built)) return;
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}

function newest(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .reduce((latest, entry) => {
      const { mtimeMs } = statSync(join(entry.parentPath, entry.name));
      return Math.max(latest, mtimeMs);
    }, 0);
}
