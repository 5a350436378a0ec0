/**
 * A request and its response over sockets, one at a time: rank 0 asks and is timed, rank 1 answers. Every byte of every
 * message is looked at.
 */
import {
  ACCESS,
  STAGES,
  type Core,
  type MemoryRegion,
  type Task,
} from '../../node/program/verbs.js';
import { LatencyRecorder, type LatencyRecord } from '../authoring/latency-recorder.js';
import { openDevice } from '../authoring/connect.js';
import { Pattern, patternLength } from '../authoring/pattern.js';
import type { SideReport } from '../micro/side.js';
import type { PathsParameters } from './paths-parameters.js';
import { RawEnd } from './raw-end.js';
import { openSocketEnd, SocketError, type SocketEnd } from './socket-ends.js';

/** What a side has measured. */
export interface EchoRecord {
  /** Of the side that asks. */
  readonly latency: LatencyRecord | null;
  /**
   * By operation: what its chain says of the cores' work in the kernel, up to the return of this side's send. The
   * answering side's less the asking side's is the answering side's own.
   */
  readonly spent: Float64Array;
}

/** Where a core works in the kernel; waiting for it, as in an interrupt, is not among them. */
const KERNEL_WORK = ['syscall', 'copy', 'stack', 'wakeup'].map((name) =>
  STAGES.findIndex((stage) => stage === name),
);

export async function echoOverSockets(
  core: Core,
  task: Task<PathsParameters>,
): Promise<SideReport<EchoRecord>> {
  const { params, seed } = task;
  const side = new EchoSide(core, task, await Pattern.make(core, seed, params.size));
  await side.prepare();
  let failure: string | null = null;
  try {
    await (core.rank === 0 ? side.ask() : side.answer());
    // A response that is on its way when its sender closes arrives nevertheless.
    await side.end.close();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    failure = error.message;
    await side.end.close();
  }
  return side.report(failure);
}

class EchoSide {
  end!: SocketEnd;
  private inbox!: MemoryRegion;
  private source!: MemoryRegion;
  private checked = 0;
  private wrongBytes = 0;
  private readonly recorder: LatencyRecorder;
  private readonly spent: Float64Array;
  private readonly core: Core;
  private readonly params: PathsParameters;
  private readonly timed: boolean;
  private readonly pattern: Pattern;

  constructor(core: Core, { params, clock }: Task<PathsParameters>, pattern: Pattern) {
    this.core = core;
    this.params = params;
    this.timed = clock === 'virtual';
    this.pattern = pattern;
    this.recorder = new LatencyRecorder(core, { clock, halves: true });
    this.spent = new Float64Array(params.iterations);
  }

  /** Memory is registered only so that this program can look at its bytes. */
  async prepare(): Promise<void> {
    const { core, params, pattern } = this;
    const { pd } = await openDevice(core);
    const register = async (length: number): Promise<MemoryRegion> =>
      pd.registerMemory(await core.allocate(length), ACCESS.LOCAL_WRITE);
    this.inbox = await register(params.size);
    this.source = await register(patternLength(params.size));
    this.source.bytes.set(pattern.bytes);
    this.end =
      params.library === 'raw'
        ? await RawEnd.open(core, this.source, this.inbox)
        : await openSocketEnd(core, params);
  }

  async ask(): Promise<void> {
    const { iterations, warmup } = this.params;
    for (let number = 1; number <= warmup + iterations; number++) {
      this.recorder.begin();
      await this.send(number);
      await this.receive();
      if (number > warmup) this.recorder.end();
      this.check(number);
    }
  }

  async answer(): Promise<void> {
    const { iterations, warmup } = this.params;
    for (let number = 1; number <= warmup + iterations; number++) {
      await this.receive();
      await this.send(number);
      this.check(number);
    }
  }

  report(failure: string | null): SideReport<EchoRecord> {
    const { core, checked, wrongBytes, spent } = this;
    const latency = core.rank === 0 && failure === null ? this.recorder.record() : null;
    return { failure, checked, wrongBytes, measured: { latency, spent } };
  }

  private async send(number: number): Promise<void> {
    const { source, pattern, params } = this;
    await this.end.send(source.address + pattern.offset(number), params.size);
    if (!this.timed || number <= params.warmup) return;
    const stages = this.core.operationStages();
    const work = KERNEL_WORK.reduce((sum, stage) => sum + stages[stage]!, 0);
    this.spent[number - params.warmup - 1] = work;
  }

  private receive(): Promise<void> {
    // Asking in vain is no part of an operation: it goes on with what arrives.
    if (this.params.receiver === 'running') this.core.endOperation();
    return this.end.receive(this.inbox.address, this.params.size);
  }

  private check(number: number): void {
    this.checked++;
    this.wrongBytes += this.pattern.wrongBytes(number, this.inbox.bytes);
  }
}
