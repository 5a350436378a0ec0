/**
 * A queue pair of whatever kind: its number and place, its attributes and state, the completion queues that it reports
 * to, and what it has done. How it sends and receives is its transport's.
 */
import type { CompletionQueue } from './completion-queue.js';
import type { EngineParts } from './engine-parts.js';
import { QueuePairAttributes } from './qp-attributes.js';
import type { QpStateName } from './qp-state.js';
import { QueuePairTally } from './queue-pair-tally.js';
import type { RdmaEngine } from './rdma-engine.js';
import type { Transport, TransportKind, TransportWiring } from './transport.js';

export interface QueuePairOptions extends TransportWiring {
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
}

export class QueuePair {
  readonly kind: TransportKind;
  readonly number: number;
  /** Its place in the engine's table. */
  readonly index: number;
  readonly pd: number;
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  readonly sqSigAll: boolean;
  readonly attributes = new QueuePairAttributes();
  readonly tally: QueuePairTally;
  /** Its transport moves it from state to state. */
  state: QpStateName = 'RESET';
  readonly transport: Transport;

  constructor(
    kind: TransportKind,
    place: { readonly index: number; readonly number: number },
    options: QueuePairOptions,
    engine: RdmaEngine,
    parts: EngineParts,
  ) {
    this.kind = kind;
    this.number = place.number;
    this.index = place.index;
    this.pd = options.pd;
    this.sendCq = options.sendCq;
    this.recvCq = options.recvCq;
    this.sqSigAll = options.sqSigAll;
    this.tally = new QueuePairTally(place.number, kind.type);
    this.transport = kind.create(this, options, engine, parts);
  }
}
