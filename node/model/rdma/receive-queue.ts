/** A queue pair's own receive queue as the NIC sees it: a ring of receive WQEs in host memory. */
import type { ReceiveSource } from './receive-source.js';

export class ReceiveQueue implements ReceiveSource {
  produced = 0;
  readonly maxSge: number;
  private consumed = 0;
  private readonly base: number;
  private readonly stride: number;
  private readonly depth: number;

  constructor(base: number, stride: number, depth: number, maxSge: number) {
    this.base = base;
    this.stride = stride;
    this.depth = depth;
    this.maxSge = maxSge;
  }

  get empty(): boolean {
    return this.consumed === this.produced;
  }

  get next(): number {
    return this.base + (this.consumed % this.depth) * this.stride;
  }

  take(): number {
    return ++this.consumed;
  }

  post(produced: number): void {
    this.produced = produced;
  }

  discard(posted: number): void {
    this.produced = this.consumed = posted;
  }
}
