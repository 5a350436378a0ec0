/**
 * A core's mailbox at the end of a pipe: messages come in as a stream of bytes, and answers leave as one. See
 * `pipe-program.js`.
 */
import { LoggedChains } from '../../../../sim/chain.js';
import type { ChainLog } from '../../../../sim/chain-log.js';
import { newDoorbell, parseDoorbell, type Doorbell } from '../../../../node/model/nic/doorbell.js';
import type { Mailbox, Wait } from '../../../../node/program/mailbox/mailbox.js';

const KIND = { store: 1, load: 2, doorbell: 3, begin: 4, wait: 5 } as const;
const HEAD = 8;
const ARGUMENTS = 7;

/** What comes with a wait besides numbers. */
interface Text {
  readonly request?: { readonly name: string; readonly args: unknown };
  readonly alternatives?: readonly (readonly [number, number, number])[];
  readonly value?: unknown;
}

export class PipeMailbox implements Mailbox {
  readonly chains: LoggedChains;
  readonly operationRow = 0;
  /** The segment has come to its end. */
  isBack = false;
  private incoming = Buffer.alloc(0);
  private readonly doorbell = newDoorbell();
  private readonly wait: Wait = { type: 'wait', awaits: 0, time: 0 };
  /** Kinds and bodies that are still to be taken. */
  private readonly messages: { readonly kind: number; readonly numbers: Float64Array }[] = [];
  private numbers = new Float64Array(2 + ARGUMENTS);
  private text: Text | null = null;
  private answers: Record<string, unknown> = {};
  private memory: Uint8Array = new Uint8Array(0);
  private write: (bytes: Uint8Array) => void = () => undefined;

  constructor(log: ChainLog) {
    this.chains = new LoggedChains(log, 1);
  }

  /** Its program is at the other end of a pipe, which `write` writes into, and its host's memory is `memory`. */
  connect(memory: Uint8Array, write: (bytes: Uint8Array) => void): void {
    this.memory = memory;
    this.write = write;
  }

  /** The next bytes from the program, cut anywhere. */
  feed(bytes: Uint8Array): void {
    this.incoming = Buffer.concat([this.incoming, bytes]);
    for (;;) {
      if (this.incoming.length < HEAD) return;
      const end = HEAD + this.incoming.readUInt32LE(4);
      if (this.incoming.length < end) return;
      this.arrived(this.incoming.readUInt32LE(0), this.incoming.subarray(HEAD, end));
      this.incoming = this.incoming.subarray(end);
    }
  }

  /** What the program said with its last wait. */
  get said(): unknown {
    return this.text?.value;
  }

  /** Lets the program go on. */
  send(): void {
    this.isBack = false;
    this.reply(Buffer.from(JSON.stringify(this.answers)));
    this.answers = {};
  }

  take(): Doorbell | Wait {
    const { kind, numbers } = this.messages.shift()!;
    if (kind === KIND.begin) {
      this.chains.begin(this.operationRow, numbers[0]!, numbers[1]!);
      return this.take();
    }
    if (kind === KIND.doorbell) {
      parseDoorbell(numbers, 0, this.doorbell);
      return this.doorbell;
    }
    this.wait.awaits = numbers[0]!;
    this.wait.time = numbers[1]!;
    return this.wait;
  }

  argument(index: number): number {
    return this.numbers[2 + index]!;
  }

  alternative(index: number): number {
    return this.text!.alternatives![index]![0];
  }

  alternativeArgument(index: number, argument: 0 | 1): number {
    return this.text!.alternatives![index]![argument === 0 ? 1 : 2];
  }

  request(): { readonly name: string; readonly args: unknown } {
    return this.text!.request!;
  }

  answer(value: unknown): boolean {
    this.answers['value'] = value;
    return true;
  }

  answerAlternative(index: number): void {
    this.answers['alternative'] = index;
  }

  answerSystemCall(result: number): void {
    this.answers['result'] = result;
  }

  answerPeer(ipv4: number, port: number): void {
    this.answers['peer'] = [ipv4, port];
  }

  resume(time: number): void {
    this.answers['time'] = time;
  }

  private arrived(kind: number, body: Buffer): void {
    const isWait = kind === KIND.wait;
    const count = isWait ? 2 + ARGUMENTS : kind === KIND.store ? 1 : body.length / 8;
    const numbers = Float64Array.from({ length: count }, (_, at) => body.readDoubleLE(8 * at));
    const rest = body.subarray(8 * count);
    if (kind === KIND.store) this.memory.set(rest, numbers[0]);
    else if (kind === KIND.load) {
      this.reply(this.memory.slice(numbers[0], numbers[0]! + numbers[1]!));
    } else this.messages.push({ kind, numbers });
    if (!isWait) return;
    this.numbers = numbers;
    this.text = JSON.parse(rest.toString()) as Text | null;
    this.isBack = true;
  }

  private reply(body: Uint8Array): void {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    this.write(Buffer.concat([head, body]));
  }
}
