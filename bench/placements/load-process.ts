/**
 * A process that keeps this machine's processors busy, by fits and starts, until its standard input ends, so that
 * results that depend on who is quick show it.
 */
import { availableParallelism } from 'node:os';
import { isMainThread, Worker } from 'node:worker_threads';

/** Bursts and pauses of a thread, in ms: up to a few time slices of the operating system. */
const LONGEST_BURST = 25;
const LONGEST_PAUSE = 25;

function work(): never {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const end = performance.now() + Math.random() * LONGEST_BURST;
    while (performance.now() < end) continue;
    Atomics.wait(never, 0, 0, Math.random() * LONGEST_PAUSE);
  }
}

if (!isMainThread) work();
for (let thread = availableParallelism(); thread > 0; thread--) {
  new Worker(new URL(import.meta.url));
}
process.stdin.on('end', () => process.exit()).resume();
// Interruptions are for the command that started this, and ends it.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
