/**
 * Ctrl-C and its kin. The first one asks for an orderly end; a second one, later than the copies of the first that npm
 * and the terminal both deliver, kills. Under npm the loss of the parent counts too: npm passes SIGTERM to a shell that
 * may not pass it on.
 */
import { readFileSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm forwards the SIGINT that the terminal has already sent to the whole group. */
const SAME_INTERRUPTION_MS = 500;
const PARENT_CHECK_MS = 500;

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export interface Interruption {
  /** Rejects with {@link Interrupted} at the first signal. */
  readonly arrived: Promise<never>;
  readonly isInterrupted: boolean;
  /** Takes the handlers away. */
  dispose(): void;
}

/** Watches for interruptions; `killAll` must end every process at once, for a second interruption. */
export function watchInterruptions(killAll: () => void): Interruption {
  let first: number | undefined;
  let interrupt!: (error: Interrupted) => void;
  const arrived = new Promise<never>((_, reject) => {
    interrupt = reject;
  });
  arrived.catch(() => undefined);

  const onSignal = (): void => {
    const now = performance.now();
    if (first === undefined) {
      first = now;
      interrupt(new Interrupted('interrupted'));
    } else if (now - first > SAME_INTERRUPTION_MS) {
      killAll();
      process.exit(130);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', killAll);

  const underNpm = process.env['npm_lifecycle_event'] !== undefined;
  const elders = ancestry();
  const timer = setInterval(() => {
    if (underNpm && first === undefined && ancestry() !== elders) onSignal();
  }, PARENT_CHECK_MS);
  timer.unref();

  return {
    arrived,
    get isInterrupted() {
      return first !== undefined;
    },
    dispose() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off('exit', killAll);
      clearInterval(timer);
    },
  };
}

/** Parent and grandparent: under npm a shell and npm itself. Elsewhere than on Linux the parent alone is known. */
function ancestry(): string {
  const { ppid } = process;
  try {
    // The command's name stands in parentheses and may hold any character; state and parent follow it.
    const status = readFileSync(`/proc/${ppid}/stat`, 'utf8');
    const grandparent = status.slice(status.lastIndexOf(')') + 2).split(' ')[1] ?? '';
    return `${ppid} ${grandparent}`;
  } catch {
    return String(ppid);
  }
}
