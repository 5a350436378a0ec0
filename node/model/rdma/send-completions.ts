/** The CQEs of a send queue: which requests get one, and what it says (rules 75-77, 79). */
import { STAGE } from '../../../sim/stages.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { STATUS } from './completion-entry.js';
import type { CompletionSource } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import type { SendQueue } from './send-queue.js';
import { COMPLETION_OPCODE, WQE_FLAG } from './work-queue-entry.js';

export class SendCompletions {
  private readonly qp: CompletionSource;
  private readonly queue: SendQueue;
  private readonly parts: EngineParts;

  constructor(qp: CompletionSource, queue: SendQueue, parts: EngineParts) {
    this.qp = qp;
    this.queue = queue;
    this.parts = parts;
  }

  /**
   * Request `index`, which was begun with, is over. `frame` brought the news (NO_FRAME_SLOT for none); data that came
   * with it is in memory at `payloadVisible`. Unsignalled requests that succeed get no CQE.
   */
  complete(index: number, status: number, frame: FrameSlot, payloadVisible: number): void {
    const { qp, queue, parts } = this;
    const slot = queue.slotOf(index);
    const signaled = qp.sqSigAll || (queue.flags[slot]! & WQE_FLAG.signaled) !== 0;
    if (!signaled && status === STATUS.SUCCESS) return;
    const { chains } = parts.completions;
    const completion = this.begin(index, status, queue.opcode[slot]!, queue.wrId[slot]!);
    const operation = queue.chains.operation(slot);
    const ours =
      frame !== NO_FRAME_SLOT &&
      operation !== 0 &&
      parts.pool.chains.operation(frame) === operation;
    if (ours) {
      parts.pool.settleChain(frame);
      chains.copy(completion, parts.pool.chains, frame);
    } else chains.copy(completion, queue.chains, slot);
    const { now } = parts.scheduler;
    if (status !== STATUS.SUCCESS) chains.advance(completion, STAGE.retry, now);
    else if (payloadVisible === 0) chains.advance(completion, STAGE.ack, now);
    parts.completions.at(completion).byteLen = queue.length[slot]!;
    parts.completions.post(completion, payloadVisible);
  }

  /** Request `index` ends without having been begun with: what the CQE says is read from its WQE. */
  abandon(index: number, status: number): void {
    const { queue, parts } = this;
    const { opcode, wrId } = queue.entryAt(index, parts.memory);
    const completion = this.begin(index, status, opcode, wrId);
    parts.completions.chains.copy(completion, queue.chains, queue.slotOf(index));
    parts.completions.chains.advance(completion, STAGE.retry, parts.scheduler.now);
    parts.completions.post(completion, 0);
  }

  private begin(index: number, status: number, opcode: number, wrId: number): number {
    const { qp } = this;
    const { completions } = this.parts;
    const completion = completions.allocate();
    const entry = completions.at(completion);
    entry.queue = qp.sendCq;
    entry.wrId = wrId;
    entry.status = status;
    entry.opcode = COMPLETION_OPCODE[opcode] ?? 0;
    entry.byteLen = 0;
    entry.immediate = 0;
    entry.qpNum = qp.number;
    entry.vendorErr = 0;
    entry.flags = 0;
    entry.wqeCounter = (index + 1) >>> 0;
    return completion;
  }
}
