/** The CQEs of what a queue pair receives (rules 79-82). */
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { CompletionSource } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import type { ReceiveSource } from './receive-source.js';
import type { ReceiveWqe } from './receive-wqe.js';
import { WC_RECV } from './work-queue-entry.js';

export class ReceiveCompletions {
  private readonly qp: CompletionSource;
  private readonly parts: EngineParts;

  constructor(qp: CompletionSource, parts: EngineParts) {
    this.qp = qp;
    this.parts = parts;
  }

  /** `receive` is filled: frame `frame` was the message's last, its payload is visible at `visible`. */
  succeed(
    receive: ReceiveWqe,
    opcode: number,
    byteLen: number,
    flags: number,
    frame: FrameSlot,
    visible: number,
  ): void {
    const { wrId, count } = receive;
    const hasImmediate = (flags & CQE_FLAG.immediate) !== 0;
    const immediate = hasImmediate ? this.parts.pool.frames[frame]!.immediate : 0;
    this.post(wrId, count, STATUS.SUCCESS, opcode, byteLen, immediate, flags, frame, visible);
  }

  /** `receive` ends with an error. */
  fail({ wrId, count }: ReceiveWqe, status: number): void {
    this.post(wrId, count, status, WC_RECV, 0, 0, 0, NO_FRAME_SLOT, 0);
  }

  /** What `source` still has completes with WR_FLUSH_ERR, one after the other as `receive`. */
  flush(source: ReceiveSource, receive: ReceiveWqe): void {
    while (!source.empty) {
      receive.takeUnchecked(source, this.parts.memory);
      this.fail(receive, STATUS.WR_FLUSH_ERR);
    }
  }

  /** Receive `wrId` ends: `count` of the queue's have been taken. */
  post(
    wrId: number,
    count: number,
    status: number,
    opcode: number,
    byteLen: number,
    immediate: number,
    flags: number,
    frame: FrameSlot,
    visible: number,
  ): void {
    const { completions, pool } = this.parts;
    const completion = completions.allocate();
    if (frame !== NO_FRAME_SLOT) completions.chains.copy(completion, pool.chains, frame);
    const entry = completions.at(completion);
    entry.queue = this.qp.recvCq;
    entry.wrId = wrId;
    entry.status = status;
    entry.opcode = opcode;
    entry.byteLen = byteLen;
    entry.immediate = immediate;
    entry.qpNum = this.qp.number;
    entry.vendorErr = 0;
    entry.flags = flags | CQE_FLAG.receive;
    entry.wqeCounter = count >>> 0;
    completions.post(completion, visible);
  }
}
