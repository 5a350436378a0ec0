/** The raw frame queues of one NIC; they share their numbers with the engine's other queue pairs. */
import type { CompletionQueue } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import { RawQueuePair, type RawQueuePairOptions } from './raw-queue-pair.js';
import type { RdmaEngine } from './rdma-engine.js';
import type { ReceiveQueue } from './receive-queue.js';
import type { SendQueue } from './send-queue.js';

export class RawQueues {
  /** By the engine's index. */
  readonly pairs: (RawQueuePair | undefined)[] = [];
  private readonly engine: RdmaEngine;
  private readonly parts: EngineParts;

  constructor(engine: RdmaEngine, parts: EngineParts) {
    this.engine = engine;
    this.parts = parts;
  }

  create(
    options: Omit<RawQueuePairOptions, 'number' | 'index'>,
    sends: SendQueue,
    receives: ReceiveQueue,
  ): RawQueuePair {
    const numbered = { ...options, ...this.engine.claimNumber() };
    const pair = new RawQueuePair(numbered, sends, receives, this.engine, this.parts);
    this.pairs[pair.index] = pair;
    pair.sendCq.users++;
    pair.recvCq.users++;
    return pair;
  }

  destroy(pair: RawQueuePair): void {
    pair.tally.state = pair.state;
    pair.reset(0, 0);
    this.pairs[pair.index] = undefined;
    this.engine.giveUpNumber(pair.index);
    pair.sendCq.users--;
    pair.recvCq.users--;
  }

  usedBy(pd: number): boolean {
    return this.pairs.some((pair) => pair?.pd === pd);
  }

  overran(queue: CompletionQueue): void {
    for (const pair of this.pairs) {
      if (pair?.sendCq === queue || pair?.recvCq === queue) pair.enterError();
    }
  }

  /** Frame `slot` goes to the raw queue at `index`; its queue may be gone. Takes the frame over. */
  receive(index: number, slot: number): void {
    const pair = this.pairs[index];
    if (pair === undefined) {
      this.parts.counters.dropped++;
      this.parts.pool.release(slot);
    } else {
      pair.receive(slot);
    }
  }
}
