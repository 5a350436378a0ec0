/**
 * What a core finds in its own caches of a flow's state (socket, control block), by the least that explains why flows
 * stay on their cores: the flow's lines are warm in the core that touched them last, while that core has touched at
 * most `cache.flows` other flows since. Otherwise each line is taken dirty from the core that still has it, or read
 * from memory.
 */
import type { Profile } from '../../spec/profile.js';

const NOBODY = -1;
const NONE = -1;

/** By core: touches that found the flow warm, took it from another core, or read it from memory. */
export class TouchCounts {
  readonly warm: number[];
  readonly moved: number[];
  readonly cold: number[];

  constructor(cores: number) {
    this.warm = new Array<number>(cores).fill(0);
    this.moved = new Array<number>(cores).fill(0);
    this.cold = new Array<number>(cores).fill(0);
  }
}

export class FlowCache {
  /** Of softirqs, which serve packets, and of programs, which read. */
  readonly packets: TouchCounts;
  readonly reads: TouchCounts;
  private count = 0;
  private readonly limit: number;
  private readonly moveCost: number;
  private readonly readCost: number;
  /** By core: its flows from the most recent to the least, linked through `newer` and `older`. */
  private readonly newest: Int32Array;
  private readonly oldest: Int32Array;
  private readonly held: Int32Array;
  /** By flow: the core that has it warm. */
  private owner = new Int32Array(0);
  private newer = new Int32Array(0);
  private older = new Int32Array(0);

  constructor(cores: number, { flowLines, flows, dirtyLine, memoryLine }: Profile['cache']) {
    this.limit = flows;
    this.moveCost = flowLines * dirtyLine;
    this.readCost = flowLines * memoryLine;
    this.newest = new Int32Array(cores).fill(NONE);
    this.oldest = new Int32Array(cores).fill(NONE);
    this.held = new Int32Array(cores);
    this.packets = new TouchCounts(cores);
    this.reads = new TouchCounts(cores);
  }

  /** A number for a flow that has none yet: kernels that share the cores name theirs by one count. */
  newFlow(): number {
    return this.count++;
  }

  /** `core` serves flow number `flow` (small numbers from 0 on): what fetching its state costs, in ps. */
  touch(core: number, flow: number, counts = this.packets): number {
    if (flow >= this.owner.length) this.grow(flow);
    const owner = this.owner[flow]!;
    if (owner === core) {
      counts.warm[core]!++;
      if (this.newest[core] !== flow) {
        this.unlink(core, flow);
        this.link(core, flow);
      }
      return 0;
    }
    if (owner !== NOBODY) this.unlink(owner, flow);
    if (this.held[core] === this.limit) this.unlink(core, this.oldest[core]!);
    this.link(core, flow);
    if (owner === NOBODY) {
      counts.cold[core]!++;
      return this.readCost;
    }
    counts.moved[core]!++;
    return this.moveCost;
  }

  /** The flow is over; its number may name another. */
  forget(flow: number): void {
    const owner = this.owner[flow] ?? NOBODY;
    if (owner !== NOBODY) this.unlink(owner, flow);
  }

  private link(core: number, flow: number): void {
    const second = this.newest[core]!;
    this.owner[flow] = core;
    this.newer[flow] = NONE;
    this.older[flow] = second;
    if (second === NONE) this.oldest[core] = flow;
    else this.newer[second] = flow;
    this.newest[core] = flow;
    this.held[core]!++;
  }

  private unlink(core: number, flow: number): void {
    const newer = this.newer[flow]!;
    const older = this.older[flow]!;
    if (newer === NONE) this.newest[core] = older;
    else this.older[newer] = older;
    if (older === NONE) this.oldest[core] = newer;
    else this.newer[older] = newer;
    this.owner[flow] = NOBODY;
    this.held[core]!--;
  }

  private grow(flow: number): void {
    const { owner, newer, older } = this;
    const size = Math.max(64, 2 * flow);
    this.owner = new Int32Array(size).fill(NOBODY);
    this.newer = new Int32Array(size);
    this.older = new Int32Array(size);
    this.owner.set(owner);
    this.newer.set(newer);
    this.older.set(older);
  }
}
