/**
 * What a core spends on something, told by stage: only what runs inside {@link CostMeter.count} is counted, so waiting
 * for the NIC and the wire is not.
 */
import {
  STAGES,
  type CompletionQueue,
  type Core,
  type WorkCompletion,
} from '../../node/program/verbs.js';
import { us } from '../../units/durations.js';

const POLL = STAGES.indexOf('poll');
/** Between two looks for a completion the core does something else. */
const PAUSE = us(2);

export class CostMeter {
  /** Picoseconds since {@link begin}, and what they went into. */
  cost = 0;
  stages = new Float64Array(STAGES.length);
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  begin(): void {
    this.cost = 0;
    this.stages = new Float64Array(STAGES.length);
  }

  /** Does something that costs this core time. */
  async count<T>(does: () => T | Promise<T>): Promise<T> {
    const { core } = this;
    const before = core.now;
    core.beginOperation();
    const result = await does();
    const spent = core.operationStages();
    core.endOperation();
    this.cost += core.now - before;
    for (let stage = 0; stage < spent.length; stage++) this.stages[stage]! += spent[stage]!;
    return result;
  }

  /** Waits, uncounted, until a look into the queue finds something; that look is counted. */
  async poll(cq: CompletionQueue): Promise<WorkCompletion[]> {
    const { core } = this;
    for (;;) {
      const before = core.now;
      const completions = await cq.poll();
      const spent = core.now - before;
      if (completions.length > 0) {
        this.cost += spent;
        this.stages[POLL]! += spent;
        return completions;
      }
      await core.sleep(PAUSE);
    }
  }
}
