/** The machine's load while runs are compared: a process that ends with this one, however this one ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('./load-process.js', import.meta.url));

export class Load {
  private readonly child: ChildProcess;

  constructor() {
    this.child = spawn(process.execPath, [ENTRY], { stdio: ['pipe', 'ignore', 'inherit'] });
    // It may be gone before its input is closed.
    this.child.stdin!.on('error', () => undefined);
  }

  async stop(): Promise<void> {
    const isOver = this.child.exitCode !== null || this.child.signalCode !== null;
    const ended = isOver ? undefined : once(this.child, 'exit');
    this.kill();
    await ended;
  }

  /** Ends it at once. Safe in an 'exit' handler. */
  kill(): void {
    this.child.kill('SIGKILL');
  }
}
