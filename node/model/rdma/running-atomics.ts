/**
 * A queue pair's atomics that are in the NIC's atomic unit. Each reads, changes and answers at the instant at which the
 * unit has done it; the unit is one for all queue pairs, which is what makes them atomic to each other (rules 104 and
 * 105).
 */
import type { FrameNumber } from '../memory/frame-number.js';
import { PAGE_SIZE } from '../memory/physical-memory.js';
import type { Psn } from '../../../units/psn.js';
import type { AtomicEth } from '../../../wire/atomic-eth.js';
import { OPCODE } from '../../../wire/opcode-table.js';
import type { EngineParts } from './engine-parts.js';
import { RC_EVENT } from './rc-events.js';
import type { RcTransport } from './rc-transport.js';
import type { Resource } from './responder-resources.js';
import type { Response } from './response-stream.js';

interface RunningAtomic {
  readonly response: Response;
  readonly resource: Resource;
  readonly psn: Psn;
  readonly physical: number;
  readonly swaps: boolean;
  readonly operandHigh: number;
  readonly operandLow: number;
  readonly compareHigh: number;
  readonly compareLow: number;
}

export class RunningAtomics {
  private running: RunningAtomic[] = [];
  /** Ends still to come of atomics that a reset has forgotten. */
  private forgotten = 0;
  private readonly rc: RcTransport;
  private readonly parts: EngineParts;

  constructor(rc: RcTransport, parts: EngineParts) {
    this.rc = rc;
    this.parts = parts;
  }

  get count(): number {
    return this.running.length;
  }

  /** Begins the atomic that `request` asks for, on 8 bytes at `physical`; `response` waits for its result. */
  start(
    opcode: number,
    psn: Psn,
    request: Readonly<AtomicEth>,
    physical: number,
    resource: Resource,
    response: Response,
  ): void {
    const { parts, rc } = this;
    parts.memory.table.hold(Math.floor(physical / PAGE_SIZE) as FrameNumber);
    this.running.push({
      response,
      resource,
      psn,
      physical,
      swaps: opcode === OPCODE.RC_CMP_SWAP,
      operandHigh: request.swapHigh,
      operandLow: request.swapLow,
      compareHigh: request.compareHigh,
      compareLow: request.compareLow,
    });
    const end = rc.engine.atomicUnit(physical, response.chain);
    parts.scheduler.at(end, parts.sequencer.key(), parts.engineSink, RC_EVENT.atomic, rc.qp.index);
  }

  /** The oldest one is done at this instant. */
  done(): void {
    if (this.forgotten > 0) {
      this.forgotten--;
      return;
    }
    const atomic = this.running.shift()!;
    const { view, table } = this.parts.memory;
    const { physical, resource, response } = atomic;
    const low = view.getUint32(physical, true);
    const high = view.getUint32(physical + 4, true);
    if (!atomic.swaps) {
      const sum = low + atomic.operandLow;
      const carry = sum > 0xffffffff ? 1 : 0;
      view.setUint32(physical, sum, true);
      view.setUint32(physical + 4, high + atomic.operandHigh + carry, true);
    } else if (low === atomic.compareLow && high === atomic.compareHigh) {
      view.setUint32(physical, atomic.operandLow, true);
      view.setUint32(physical + 4, atomic.operandHigh, true);
    }
    // A requester that asks for more at once than was agreed has had its older answers forgotten.
    if (resource.atomic && resource.firstPsn === atomic.psn) {
      resource.originalHigh = high;
      resource.originalLow = low;
      resource.done = true;
    }
    this.rc.responses.atomicDone(response, high, low);
    this.rc.engine.memoryChanged(physical, 8, response.chain);
    table.letGo(Math.floor(physical / PAGE_SIZE) as FrameNumber);
  }

  /** Forgets them: the queue pair is reset. */
  stop(): void {
    this.forgotten += this.running.length;
    const { table } = this.parts.memory;
    for (const { physical } of this.running) {
      table.letGo(Math.floor(physical / PAGE_SIZE) as FrameNumber);
    }
    this.running = [];
  }
}
