/**
 * `run --watch`: runs a user's own modules, and again whenever one of their files has changed, until Ctrl-C. A run that
 * fails, and a file that is not sound, wait for the next change.
 */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../errors/usage-error.js';
import { isModulePath, sourcesOf } from '../plan/programs.js';
import { watchInterruptions, type Interruption } from '../terminal/interruption.js';
import type { Terminal } from '../terminal/terminal.js';
import { runCommand, type RunCommand } from './command-run.js';

/** Between two looks at the files: editors replace files as they like, and what they did is seen from outside. */
const LOOK_MS = 200;
/** How long an interrupted run may take to end in order. */
const GRACE_MS = 4_000;

/** The exit status: 130, for nothing but Ctrl-C ends it. Throws a UsageError that no change of a file could mend. */
export async function watchCommand(command: RunCommand, terminal: Terminal): Promise<number> {
  for (const name of command.names) {
    if (isModulePath(name)) continue;
    throw new UsageError(
      `--watch: ${name} is no file; it takes the path of your own .js or .ts module, as ./my.ts`,
    );
  }
  const interruption = watchInterruptions(() => undefined);
  interruption.arrived.catch(() => undefined);
  try {
    for (let isFirst = true; ; isFirst = false) {
      // Looked at before the run: what changes during it counts.
      const files = await filesOf(command.names);
      const before = stampsOf(files);
      await runOnce(command, terminal, interruption, isFirst);
      if (interruption.isInterrupted) return 130;
      terminal.error(waitingText(command.names, files));
      if (await isStopped(files, before, interruption)) return 130;
    }
  } finally {
    interruption.dispose();
  }
}

async function runOnce(
  command: RunCommand,
  terminal: Terminal,
  interruption: Interruption,
  isFirst: boolean,
): Promise<void> {
  const run = runCommand(command, terminal).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    const isFiles = command.names.some((name) => error.message.startsWith(`${name}: `));
    if (isFirst && !isFiles) throw error;
    terminal.error(`pinwire: ${error.message}`);
  });
  const interrupted = interruption.arrived.catch(() => sleep(GRACE_MS, true, { ref: false }));
  // One that was interrupted before it had launched anything does not know of it: the way out ends what there is.
  if ((await Promise.race([run, interrupted])) === true) process.exit(130);
}

/** What goes into the modules, and where a file may be that one of them lacks. */
async function filesOf(names: readonly string[]): Promise<readonly string[]> {
  const all = new Set<string>();
  for (const name of names) {
    const { files, isSound } = await sourcesOf(name);
    for (const file of files) {
      all.add(file);
      if (!isSound) all.add(dirname(file));
    }
  }
  return [...all];
}

const stampsOf = (files: readonly string[]): string => files.map(stampOf).join('\n');

function stampOf(file: string): string {
  const status = statSync(file, { throwIfNoEntry: false });
  return status === undefined ? 'none' : `${status.mtimeMs} ${status.size} ${status.ino}`;
}

/** False when the files are others than `before`, and stay what they are for a moment; true at Ctrl-C. */
async function isStopped(
  files: readonly string[],
  before: string,
  { arrived }: Interruption,
): Promise<boolean> {
  const stopped = arrived.catch(() => true);
  let last = before;
  for (;;) {
    if ((await Promise.race([sleep(LOOK_MS), stopped])) === true) return true;
    const now = stampsOf(files);
    if (now !== before && now === last) return false;
    last = now;
  }
}

function waitingText(names: readonly string[], files: readonly string[]): string {
  const modules = names.map((name) => basename(name));
  const imported = files.filter((file) => !modules.includes(basename(file))).length;
  const others =
    imported === 0 ? '' : ` or ${imported === 1 ? 'a file' : `${imported} files`} beside`;
  return `waiting for a change of ${names.join(', ')}${others}; Ctrl-C ends it`;
}
