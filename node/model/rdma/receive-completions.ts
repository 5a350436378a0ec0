/** The CQEs of a receive queue (rules 79-82). */
import { CQE_FLAG, STATUS } from './completion-entry.js';
import type { CompletionSource } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import type { ReceiveQueue } from './receive-queue.js';
import { WC_RECV } from './work-queue-entry.js';

const NO_FRAME = -1;

export class ReceiveCompletions {
  private readonly qp: CompletionSource;
  private readonly receives: ReceiveQueue;
  private readonly parts: EngineParts;

  constructor(qp: CompletionSource, receives: ReceiveQueue, parts: EngineParts) {
    this.qp = qp;
    this.receives = receives;
    this.parts = parts;
  }

  /** The receive taken last is filled: frame `frame` was the message's last, its payload is visible at `visible`. */
  succeed(
    opcode: number,
    byteLen: number,
    immediate: number,
    flags: number,
    frame: number,
    visible: number,
  ): void {
    const { wrId } = this.receives;
    const { consumed } = this.receives;
    this.post(wrId, consumed, STATUS.SUCCESS, opcode, byteLen, immediate, flags, frame, visible);
  }

  /** The receive taken last ends with an error. */
  fail(status: number): void {
    const { wrId, consumed } = this.receives;
    this.post(wrId, consumed, status, WC_RECV, 0, 0, 0, NO_FRAME, 0);
  }

  /** Receives that were posted and not used complete with WR_FLUSH_ERR. */
  flush(): void {
    const { receives, parts } = this;
    while (!receives.empty) {
      receives.takeUnchecked(parts.memory);
      this.fail(STATUS.WR_FLUSH_ERR);
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
    frame: number,
    visible: number,
  ): void {
    const { completions, pool } = this.parts;
    const completion = completions.allocate();
    if (frame !== NO_FRAME) completions.chains.copy(completion, pool.chains, frame);
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
