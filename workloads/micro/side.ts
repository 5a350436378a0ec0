/**
 * One side of a micro benchmark: its device, its memory, its queue pairs to the other side. A program that waits on
 * it notices when a request failed or the other side gave up, so that none waits endlessly.
 */
import type {
  Awaitable,
  CompletionQueue,
  Core,
  MemoryRegion,
  QueuePair,
  SendWr,
  Sge,
  Task,
  WorkCompletion,
} from '../../node/program/verbs.js';
import { connect, openDevice, sharedRegion, type Connection } from '../authoring/connect.js';
import type { MicroParameters } from './parameters.js';
import { Pattern, patternLength } from '../authoring/pattern.js';

/** A request that failed, here or on the other side: the benchmark is over, and did not verify. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
}

export interface SideOptions {
  /** Bytes for what comes in. */
  readonly inbox: number;
  /** What the other side may reach: what comes in, or the pattern. */
  readonly reach: 'inbox' | 'source';
  /** Requests that each queue pair has room for. */
  readonly sends: number;
  readonly receives: number;
  /** Longest message that goes inline unless the parameters say otherwise; 0 where nothing can. */
  readonly inlineUpTo: number;
  /** Called before the other side may send: to post receives. */
  readonly prepare?: (side: Side, qp: QueuePair, index: number) => void;
}

/** What a side has to say when it is over. */
export interface SideReport<R> {
  /** What went wrong, if a request failed. */
  readonly failure: string | null;
  /** Messages whose bytes were looked at, and how many bytes were wrong. */
  readonly checked: number;
  readonly wrongBytes: number;
  readonly measured: R | null;
}

/** A queue takes what was asked for per queue pair, but no more than this: the queue pairs share it in turn. */
const MOST_COMPLETIONS = 8192;
const SIGNAL_EVERY = 64;
/** Requests that a queue pair of a ping-pong needs room for. */
export const PING_PONG_SENDS = 2 * SIGNAL_EVERY;
const CHECK_EVERY = 64;

interface SideParts {
  readonly core: Core;
  readonly task: Task<MicroParameters>;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly inbox: MemoryRegion;
  readonly source: MemoryRegion;
  readonly pattern: Pattern;
  readonly inline: boolean;
}

export class Side {
  readonly core: Core;
  readonly task: Task<MicroParameters>;
  readonly params: MicroParameters;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  /** Zeroed; where the other side's messages go. */
  readonly inbox: MemoryRegion;
  /** Holds the pattern. */
  readonly source: MemoryRegion;
  readonly pattern: Pattern;
  /** Whether messages go in the work request itself. */
  readonly inline: boolean;
  readonly connections: Connection[] = [];
  checked = 0;
  wrongBytes = 0;
  private readonly peer: number;
  private peerIsOver = false;
  /** Completions asked for and not seen. */
  private due = 0;

  private constructor(parts: SideParts) {
    this.core = parts.core;
    this.task = parts.task;
    this.params = parts.task.params;
    this.sendCq = parts.sendCq;
    this.recvCq = parts.recvCq;
    this.inbox = parts.inbox;
    this.source = parts.source;
    this.pattern = parts.pattern;
    this.inline = parts.inline;
    this.peer = 1 - parts.core.rank;
  }

  static async open(core: Core, task: Task<MicroParameters>, options: SideOptions): Promise<Side> {
    const { size, qps, inline } = task.params;
    const { sends, receives, inlineUpTo } = options;
    const device = await openDevice(core);
    const { context, pd } = device;
    const depth = (each: number): number => Math.min(Math.max(each, 1) * qps, MOST_COMPLETIONS);
    const side = new Side({
      core,
      task,
      sendCq: await context.createCq(depth(sends)),
      recvCq: await context.createCq(depth(receives)),
      // A region has a byte at the least, a message may have none.
      inbox: await sharedRegion(core, pd, Math.max(options.inbox, 1)),
      source: await sharedRegion(core, pd, Math.max(patternLength(size), 1)),
      pattern: await Pattern.make(core, task.seed, size),
      inline:
        inline === 'on' ||
        (inline === 'auto' && size <= Math.min(inlineUpTo, context.attributes.maxInlineData)),
    });
    side.source.bytes.set(side.pattern.bytes);
    const { sendCq, recvCq, peer } = side;
    const region = side[options.reach];
    for (let index = 0; index < qps; index++) {
      const connection = await connect(core, device, {
        peer,
        sendCq,
        recvCq,
        cap: {
          maxSendWr: sends,
          maxRecvWr: receives,
          maxInlineData: side.inline ? size : 0,
        },
        region,
        receives: (qp) => options.prepare?.(side, qp, index),
      });
      side.connections.push(connection);
    }
    return side;
  }

  /** The queue pairs in turn. */
  connection(number: number): Connection {
    return this.connections[number % this.connections.length]!;
  }

  /** Where message `number` is in the pattern. */
  message(number: number): Sge {
    return this.source.sge(this.pattern.offset(number), this.params.size);
  }

  /**
   * Whether message `number` of a ping-pong asks for a completion: every n-th on each queue pair does, which frees
   * the slots of those before it.
   */
  signals(number: number): boolean {
    return Math.floor(number / this.connections.length) % SIGNAL_EVERY === 0;
  }

  /** Posts on message `number`'s queue pair, and keeps account of the completions that are to come. */
  post(number: number, request: SendWr): void {
    this.connection(number).qp.postSend(request);
    if (request.signaled !== false) this.due++;
  }

  /** Waits for completions of what was received, at least one. */
  received(): Promise<WorkCompletion[]> {
    return this.until(this.polledReceives, successful);
  }

  /** Waits for completions of what was posted, at least one. */
  sent(): Promise<WorkCompletion[]> {
    return this.until(this.polledSends, this.counted);
  }

  /** Looks once for completions of what was posted. */
  async looked(): Promise<WorkCompletion[]> {
    const completions = await this.sendCq.poll();
    this.due -= successful(completions).length;
    return completions;
  }

  /** Waits until all completions that were asked for are there. */
  async settle(): Promise<void> {
    while (this.due > 0) await this.sent();
  }

  /** Waits for byte `offset` of the inbox to differ from `seen`. */
  async watch(offset: number, seen: number): Promise<void> {
    await this.until(() => this.core.watched(this.inbox.address + offset, seen), itself);
  }

  /** Looks whether the inbox holds message `number` at `offset`. */
  check(number: number, offset: number): void {
    this.checked++;
    this.wrongBytes += this.pattern.wrongBytes(number, this.inbox.bytes, offset);
  }

  /**
   * {@link check} in a timed loop. Looking takes no virtual time; of the machine's own it does, so under the real clock
   * only some messages are looked at.
   */
  checkInPassing(number: number, offset: number): void {
    const { iterations, warmup } = this.params;
    const virtual = this.task.clock === 'virtual';
    if (virtual || number % CHECK_EVERY === 0 || number === warmup + iterations) {
      this.check(number, offset);
    }
  }

  /** Says that this side is over, and waits for the other one: a program that ends takes its queue pairs with it. */
  async part(): Promise<void> {
    await this.core.tell(this.peer, null);
    await this.partner();
  }

  /** Says why this side is over, and waits for the other one to know. */
  async giveUp(failure: string): Promise<void> {
    await this.core.tell(this.peer, failure);
    if (!this.peerIsOver) await this.core.hear(this.peer);
  }

  /** Waits until the other side is over. Throws if it failed. */
  async partner(): Promise<void> {
    while (!this.peerIsOver) this.listen(await this.core.hear(this.peer));
  }

  /** Waits for one thing, and takes care of whatever else comes meanwhile. */
  private async until<T>(awaited: () => Awaitable<T>, use: (value: T) => T): Promise<T> {
    for (;;) {
      const { index, value } = await this.core.any<unknown>([
        awaited(),
        this.sendCq.polled(),
        this.core.heard(this.peer),
      ]);
      if (index === 0) return use(value as T);
      if (index === 1) this.counted(value as WorkCompletion[]);
      else this.listen(value);
    }
  }

  private readonly polledReceives = (): Awaitable<WorkCompletion[]> => this.recvCq.polled();
  private readonly polledSends = (): Awaitable<WorkCompletion[]> => this.sendCq.polled();
  private readonly counted = (completions: WorkCompletion[]): WorkCompletion[] => {
    this.due -= successful(completions).length;
    return completions;
  };

  private listen(word: unknown): void {
    this.peerIsOver = true;
    if (word !== null) throw new OperationError('gave up because the other side did');
  }
}

const itself = <T>(value: T): T => value;

function successful(completions: WorkCompletion[]): WorkCompletion[] {
  for (const { status, wrId } of completions) {
    if (status !== 'SUCCESS') throw new OperationError(`${status}, message ${wrId}`);
  }
  return completions;
}

/** Plays one side to its end, and reports. */
export async function playSide<R>(
  core: Core,
  task: Task<MicroParameters>,
  options: SideOptions,
  play: (side: Side) => Promise<R>,
): Promise<SideReport<R>> {
  const side = await Side.open(core, task, options);
  let failure: string | null = null;
  let measured: R | null = null;
  try {
    measured = await play(side);
    await side.part();
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    failure = error.message;
    await side.giveUp(failure);
  }
  const { checked, wrongBytes } = side;
  return { failure, checked, wrongBytes, measured };
}
