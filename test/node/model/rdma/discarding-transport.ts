/** A kind of queue pair that drops all that it is sent, and counts what the engine has it do. */
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import type { Frame } from '../../../../node/model/fabric/frame.js';
import type { EngineParts } from '../../../../node/model/rdma/engine-parts.js';
import { RC_TRANSITIONS, type QpStateName } from '../../../../node/model/rdma/qp-state.js';
import type { QueuePair } from '../../../../node/model/rdma/queue-pair.js';
import type { Transport, TransportKind } from '../../../../node/model/rdma/transport.js';

/** The kind of its events. */
const WAKE = 9;

export class DiscardingTransport implements Transport {
  readonly draining = false;
  readonly discarded: number[] = [];
  readonly doorbells: string[] = [];
  readonly moves: QpStateName[] = [];
  wakes = 0;
  errors = 0;
  destroyed = false;
  private readonly qp: QueuePair;
  private readonly parts: EngineParts;

  constructor(qp: QueuePair, parts: EngineParts) {
    this.qp = qp;
    this.parts = parts;
  }

  /** From host 1 only, in whatever state. */
  accepts(_packet: Frame, source: number): boolean {
    return (source & 0xff) === 2;
  }

  receive(slot: FrameSlot, packet: Frame): void {
    this.discarded.push(packet.psn);
    this.qp.tally.received(packet.length);
    this.parts.pool.release(slot);
  }

  doorbell(kind: number, produced: number): void {
    this.doorbells.push(`${kind}: ${produced}`);
  }

  modify(next: QpStateName): void {
    this.moves.push(next);
    this.qp.state = next;
  }

  enterError(): void {
    this.errors++;
    this.qp.state = 'ERR';
  }

  handle(kind: number): void {
    if (kind === WAKE) this.wakes++;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Has the engine wake it at `at`. */
  wakeAt(at: number): void {
    const { scheduler, sequencer, engineSink } = this.parts;
    scheduler.at(at, sequencer.key(), engineSink, WAKE, this.qp.index);
  }
}

/** The kind; `made` is handed each one that the engine makes. */
export const discarding = (made: (transport: DiscardingTransport) => void): TransportKind => ({
  type: 'DISCARDING',
  carries: 'messages',
  transitions: RC_TRANSITIONS,
  attributes: 0,
  create: (qp, _wiring, _engine, parts) => {
    const transport = new DiscardingTransport(qp, parts);
    made(transport);
    return transport;
  },
});
