/** Rules that lead frames to queue pairs of raw frames (ibv_create_flow), by a handle of their own. */
import { RAW_TARGET } from '../nic/flow-table.js';
import type { ReceiveSteering } from '../nic/receive-steering.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { FlowRule } from '../../program/verbs.js';
import { done, matchOf } from './device-settings.js';

interface AttachedFlow {
  readonly qp: number;
  readonly steering: ReceiveSteering;
  readonly location: number;
}

export class AttachedFlows {
  private readonly flows = new Map<number, AttachedFlow>();
  private next = 1;

  /** Frames that match go to the queue pair at index `qp` from now on. EINVAL, EEXIST, ENOSPC. */
  attach(qp: number, steering: ReceiveSteering, rule: FlowRule): number {
    const location = steering.addRule(matchOf(rule), RAW_TARGET + qp);
    if (typeof location !== 'number') return done(location);
    this.flows.set(this.next, { qp, steering, location });
    return this.next++;
  }

  /** The index of the queue pair that flow `handle` leads to. */
  queueOf(handle: number): number | undefined {
    return this.flows.get(handle)?.qp;
  }

  detach(handle: number): void {
    const flow = this.flows.get(handle);
    if (flow === undefined) throw new VerbsError('EINVAL', `no flow ${handle}`);
    flow.steering.rules.delete(flow.location);
    this.flows.delete(handle);
  }

  /** The queue pair at index `qp` is gone. */
  release(qp: number): void {
    for (const [handle, flow] of this.flows) if (flow.qp === qp) this.detach(handle);
  }
}
