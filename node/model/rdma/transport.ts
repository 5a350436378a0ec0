/**
 * What a queue pair's kind does for it: it sends and receives in its own way, and the engine knows no more of it than
 * this. Each kind is a file that implements {@link Transport} and a row of transports.ts.
 */
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import type { NetworkFunction } from '../nic/network-function.js';
import type { BusMaster } from './bus-port.js';
import type { EngineParts } from './engine-parts.js';
import type { QpStateName, Transitions } from './qp-state.js';
import type { QueuePair } from './queue-pair.js';
import type { RdmaEngine } from './rdma-engine.js';
import type { ReceiveSource } from './receive-source.js';
import type { SendQueue } from './send-queue.js';

export interface Transport {
  /** Whether a packet between these IPv4 addresses may be looked at; what it refuses counts as dropped. */
  accepts(packet: Frame, source: number, destination: number): boolean;
  /** Takes over frame `slot`: a packet that it accepted, or a frame that a flow rule gave it. */
  receive(slot: FrameSlot, packet: Frame): void;
  /**
   * Work requests up to number `produced` are in the send or the receive queue (`DOORBELL`); `row` of the engine's
   * doorbell chains is what led to it.
   */
  doorbell(kind: number, produced: number, row: number): void;
  /**
   * ibv_modify_qp: the attributes of `mask` are set, the state is not yet. To RESET, requests and receives up to those
   * numbers were posted, and are discarded without completions (rule 63).
   */
  modify(next: QpStateName, mask: number, sends: number, receives: number): void;
  /** Everything outstanding is flushed, with completions (rule 94). */
  enterError(): void;
  /** The time has come for an event of its own kind, scheduled on the engine's sink. */
  handle(kind: number): void;
  /** Sends are still on their way in SQD (sq_draining of ibv_query_qp). */
  readonly draining: boolean;
  /** ibv_destroy_qp: nothing that is outstanding completes any more. */
  destroy(): void;
}

/** What a transport works with beside its queue pair. */
export interface TransportWiring {
  readonly sends: SendQueue;
  readonly receives: ReceiveSource;
  /** Whose bus addresses SGEs hold; null where they name registered memory. */
  readonly bus: BusMaster | null;
  /** The function of the virtual machine that it is in, which says what it may send; null on the bare host. */
  readonly machine: Pick<NetworkFunction, 'mac' | 'vlan' | 'limit'> | null;
}

/** A kind of queue pair. */
export interface TransportKind {
  /** ibv_qp_type without its prefix. */
  readonly type: string;
  /**
   * What its work requests are: messages, which packets carry that name the queue pair by its number; or whole Ethernet
   * frames, which flow rules give it, and which a driver in user space may push or name by bus address.
   */
  readonly carries: 'messages' | 'frames';
  readonly transitions: Transitions;
  /**
   * The attributes that it has beside state and port, of QP_ATTR. Others that a transition takes mean nothing to it.
   */
  readonly attributes: number;
  readonly create: (
    qp: QueuePair,
    wiring: TransportWiring,
    engine: RdmaEngine,
    parts: EngineParts,
  ) => Transport;
}
