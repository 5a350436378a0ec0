/** Programs in processes of their own, each at the other end of two pipes. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ChainLog } from '../../../../sim/chain-log.js';
import type { CoreRuntime, ProgramResult } from '../../../../node/cores/core-runtime.js';
import { toldError } from '../../../../node/cores/told-error.js';
import type { HostCore } from '../../../../node/cores/host-core.js';
import type { Mailbox } from '../../../../node/program/mailbox/mailbox.js';
import type { CoreIdentity } from '../../../../node/program/program-core.js';
import { PipeMailbox } from './pipe-mailbox.js';

const PROGRAM = new URL('./pipe-program.js', import.meta.url).pathname;

export class PipeRuntime implements CoreRuntime {
  readonly parallel = false;
  private readonly mailboxes = new Map<Mailbox, PipeMailbox>();
  private readonly children: ChildProcess[] = [];
  private broken: Error | undefined;
  private goOn: () => void = () => undefined;

  mailbox(log: ChainLog): Mailbox {
    const mailbox = new PipeMailbox(log);
    this.mailboxes.set(mailbox, mailbox);
    return mailbox;
  }

  async add(core: HostCore, { rank, cpu, memory }: CoreIdentity): Promise<void> {
    const mailbox = this.of(core);
    const start = { rank, post: cpu.post.ps, doorbell: cpu.doorbell.ps };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(start)], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
    });
    this.children.push(child);
    const toProgram = child.stdio[3] as Writable;
    const fromProgram = child.stdio[4] as Readable;
    mailbox.connect(new Uint8Array(memory), (bytes) => toProgram.write(bytes));
    toProgram.on('error', () => undefined);
    fromProgram.on('data', (bytes: Buffer) => {
      mailbox.feed(bytes);
      this.goOn();
    });
    child.on('exit', (code) => {
      if (code !== 0) this.broken = new Error(`the program of rank ${rank} ended with ${code}`);
      this.goOn();
    });
    // It waits for nothing before its first segment, which therefore begins with its process.
  }

  async ready(): Promise<void> {
    for (const mailbox of this.mailboxes.values()) {
      while (!mailbox.isBack) await this.turn();
    }
  }

  resume(core: HostCore): void {
    const mailbox = this.of(core);
    if (core.segments > 0) mailbox.send();
  }

  isBack(core: HostCore): boolean {
    if (this.broken !== undefined) throw this.broken;
    return this.of(core).isBack;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => (this.goOn = resolve));
  }

  async result(core: HostCore): Promise<ProgramResult> {
    const failure = this.broken === undefined ? null : toldError(this.broken);
    return { value: this.of(core).said, counters: {}, failure };
  }

  giveUp(core: HostCore): Promise<ProgramResult> {
    return this.result(core);
  }

  async lost(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
  }

  private of({ mailbox }: HostCore): PipeMailbox {
    return this.mailboxes.get(mailbox)!;
  }
}
