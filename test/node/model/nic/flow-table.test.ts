/** Rules ahead of receive side scaling, and flows that the kernel has the NIC follow. */
import { describe, expect, it } from 'vitest';
import {
  FlowTable,
  NO_RULE,
  RAW_TARGET,
  type FlowMatch,
  type FlowRule,
} from '../../../../node/model/nic/flow-table.js';
import { FrameFlow } from '../../../../node/model/nic/frame-flow.js';
import { LearnedFlows } from '../../../../node/model/nic/learned-flows.js';
import { TupleMap, type FiveTuple } from '../../../../node/model/nic/tuple-map.js';
import { RandomStream } from '../../../../sim/random.js';
import { frameOf, MAC, type Headers } from './headers-of-a-frame.js';

function flowOf(headers: Headers): FrameFlow {
  const { view, length } = frameOf(headers);
  const flow = new FrameFlow();
  flow.parse(view, 0, length);
  return flow;
}

const TCP = 6;
const UDP = 17;
const tuple = (n: number): FiveTuple => ({
  protocol: n % 2 === 0 ? TCP : UDP,
  source: 0xc0a80000 + n,
  destination: 0x0a000001,
  sourcePort: 40_000 + (n % 100),
  destinationPort: 80,
});

describe('flow rules', () => {
  it('send a flow to their queue or queue pair, and leave all others alone', () => {
    const table = new FlowTable(16);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(NO_RULE);
    table.add(tuple(1), 3);
    table.add(tuple(2), RAW_TARGET + 7);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(3);
    expect(table.targetOf(flowOf(tuple(2)))).toBe(RAW_TARGET + 7);
    expect(table.targetOf(flowOf(tuple(3)))).toBe(NO_RULE);
    expect(table.targetOf(flowOf({ ...tuple(1), protocol: TCP }))).toBe(NO_RULE);
    // The ports of a fragment are unknown.
    expect(table.targetOf(flowOf({ ...tuple(1), fragment: 0x2000 }))).toBe(NO_RULE);
  });

  it('match what they name and nothing else: one field of each kind', () => {
    const frame: Required<FlowMatch> = {
      destinationMac: MAC,
      vlan: 12,
      etherType: 0x0800,
      ...tuple(1),
    };
    for (const field of Object.keys(frame) as (keyof FlowMatch)[]) {
      const table = new FlowTable(4);
      const ports = field.endsWith('Port') ? { protocol: UDP } : {};
      expect(table.add({ ...ports, [field]: frame[field] }, 5)).toBe(3);
      expect(table.targetOf(flowOf(frame))).toBe(5);
      const other = new FlowTable(4);
      const value = field === 'protocol' ? TCP : frame[field] ^ 1;
      other.add({ ...ports, [field]: value }, 5);
      expect(other.targetOf(flowOf(frame))).toBe(NO_RULE);
    }
  });

  it('of several the least priority number wins, then the least location', () => {
    const table = new FlowTable(8);
    expect(table.add({ protocol: UDP }, 1)).toBe(7);
    expect(table.add({ destinationMac: MAC }, 2)).toBe(6);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(2);
    expect(table.add(tuple(1), 3, 1)).toBe(5);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(2);
    expect(table.add(tuple(1), 4, 0, 0)).toBe(0);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(4);
    table.delete(0);
    table.delete(6);
    expect(table.targetOf(flowOf(tuple(1)))).toBe(1);
  });

  it('are listed by location, replaced where they stand, and deleted once', () => {
    const table = new FlowTable(8);
    table.add({ vlan: 1 }, 0);
    table.add({ vlan: 2 }, 1, 0, 2);
    table.add({ vlan: 3 }, 1, 0, 2);
    expect(table.list()).toEqual([
      { match: { vlan: 3 }, target: 1, priority: 0, location: 2 },
      { match: { vlan: 1 }, target: 0, priority: 0, location: 7 },
    ]);
    expect(table.delete(2)).toBeNull();
    expect(table.delete(2)).toEqual({
      errno: 'ENOENT',
      message: 'rmgr: Cannot delete RX class rule: No such file or directory',
    });
  });

  it('are refused when they exist, when there is no place, and when they make no sense', () => {
    const table = new FlowTable(2);
    table.add(tuple(1), 0);
    const errno = (match: FlowMatch, ...rest: number[]): unknown => {
      const answer = table.add(match, 0, ...rest);
      return typeof answer === 'number' ? answer : answer.errno;
    };
    expect(errno(tuple(1))).toBe('EEXIST');
    expect(errno(tuple(1), 1)).toBe(0);
    expect(errno({ vlan: 5 })).toBe('ENOSPC');
    expect(errno({ vlan: 5 }, 0, 2)).toBe('ENOSPC');
    for (const wrong of [
      { vlan: 4096 },
      { source: -1 },
      { destinationPort: 80 },
      { protocol: 1, destinationPort: 80 },
      { protocol: UDP, sourcePort: 65_536 },
      { destinationMac: 2 ** 48 },
      { source: 1.5 },
    ]) {
      expect(errno(wrong)).toBe('EINVAL');
    }
    expect(errno({ vlan: 5 }, -1)).toBe('EINVAL');
    expect(table.list()).toHaveLength(2);
  });

  it('decide as a plain walk through all of them does, whatever is added and deleted', () => {
    const random = new RandomStream(1, 'rules');
    const table = new FlowTable(64);
    const some = (): Required<FlowMatch> => ({
      destinationMac: MAC + random.below(2),
      vlan: 1 + random.below(2),
      etherType: 0x0800,
      protocol: random.below(2) === 0 ? TCP : UDP,
      source: 1 + random.below(3),
      destination: 0xffffffff - random.below(2),
      sourcePort: 1 + random.below(2),
      destinationPort: 1 + random.below(2),
    });
    let rules: FlowRule[] = [];
    let matched = 0;
    for (let i = 0; i < 4000; i++) {
      if (random.below(3) === 0) {
        const rule = rules[random.below(rules.length + 1)];
        if (rule !== undefined) {
          table.delete(rule.location);
          rules = rules.filter((one) => one !== rule);
        }
      } else {
        const whole = some();
        const { destinationMac, vlan, etherType, ...five } = whole;
        const partly = Object.fromEntries(
          Object.entries(whole).filter(([field]) => field === 'protocol' || random.below(2) === 0),
        );
        const match = [five, { ...five, vlan, destinationMac, etherType }, partly][
          random.below(3)
        ]!;
        const priority = random.below(2);
        const location = table.add(match, i, priority);
        if (typeof location === 'number') rules.push({ match, target: i, priority, location });
      }
      const frame = some();
      const flow = flowOf(frame);
      const first = rules
        .filter(({ match }) =>
          Object.entries(match).every(
            ([field, value]) => frame[field as keyof FlowMatch] === value,
          ),
        )
        .sort((a, b) => a.priority - b.priority || a.location - b.location)[0];
      if (first !== undefined) matched++;
      expect(table.targetOf(flow)).toBe(first?.target ?? NO_RULE);
    }
    expect(matched).toBeGreaterThan(1000);
  });
});

describe('a table of five-tuples', () => {
  it('holds what a Map holds, through growth and deletion', () => {
    const random = new RandomStream(3, 'tuples');
    const table = new TupleMap();
    const model = new Map<number, number>();
    for (let i = 0; i < 20_000; i++) {
      const n = random.below(i < 10_000 ? 3000 : 40);
      if (random.below(3) === 0) {
        table.delete(tuple(n));
        model.delete(n);
      } else {
        table.set(tuple(n), i);
        model.set(n, i);
      }
      const asked = random.below(3000);
      expect(table.get(tuple(asked))).toBe(model.get(asked) ?? -1);
      expect(table.size).toBe(model.size);
    }
  });
});

describe('learned flows', () => {
  const IDLE = 1000;

  it('follow their program from queue to queue until they are idle or forgotten', () => {
    const learned = new LearnedFlows(8, IDLE);
    const flow = flowOf(tuple(1));
    expect(learned.queueOf(flow, 0)).toBe(NO_RULE);
    learned.learn(flow, 2, 0);
    expect(learned.queueOf(flow, 900)).toBe(2);
    learned.learn(tuple(1), 5, 950);
    expect(learned.queueOf(flow, 1800)).toBe(5);
    // Each frame seen keeps it: idle counts from the last.
    expect(learned.queueOf(flow, 2800)).toBe(5);
    expect(learned.queueOf(flow, 3801)).toBe(NO_RULE);
    expect(learned.size).toBe(0);
    learned.learn(tuple(1), 1, 4000);
    learned.forget(tuple(1));
    expect(learned.queueOf(flow, 4000)).toBe(NO_RULE);
  });

  it('go to another queue only when the old one has given out their last frame', () => {
    const old = { head: 10, tail: 14, full: false };
    const learned = new LearnedFlows(8, IDLE, [old, { head: 0, tail: 0, full: false }]);
    const flow = flowOf(tuple(1));
    learned.learn(flow, 1, 0, 0);
    // Of the four frames in the old queue any may be the flow's; and this one is.
    expect(learned.queueOf(flow, 1)).toBe(0);
    old.tail = 15;
    old.head = 14;
    expect(learned.queueOf(flow, 2)).toBe(0);
    old.tail = 30;
    old.head = 16;
    expect(learned.queueOf(flow, 3)).toBe(1);
  });

  it('never pass themselves, whatever is learned while queues fill and drain', () => {
    const random = new RandomStream(5, 'positions');
    const queues = Array.from({ length: 4 }, () => ({
      frames: [] as { flow: number; sequence: number }[],
      head: 0,
      tail: 0,
      full: false,
    }));
    const learned = new LearnedFlows(16, IDLE, queues);
    const sent = new Map<number, number>();
    const served = new Map<number, number>();
    let moves = 0;
    const last = new Map<number, number>();
    for (let now = 0; now < 40_000; now++) {
      const n = random.below(24);
      const flow = flowOf(tuple(n));
      const by = learned.queueOf(flow, now);
      const index = by === NO_RULE ? n % 4 : by;
      const queue = queues[index]!;
      if (!queue.full) {
        const sequence = sent.get(n) ?? 0;
        sent.set(n, sequence + 1);
        queue.frames.push({ flow: n, sequence });
        queue.tail++;
        if (last.get(n) !== index) moves++;
        last.set(n, index);
      }
      const serving = random.below(4);
      const from = queues[serving]!;
      for (let i = random.below(4); i > 0 && from.frames.length > 0; i--) {
        const frame = from.frames.shift()!;
        from.head++;
        expect(frame.sequence).toBe(served.get(frame.flow) ?? 0);
        served.set(frame.flow, frame.sequence + 1);
        if (random.below(3) === 0) learned.learn(tuple(frame.flow), random.below(4), now, serving);
      }
      for (const each of queues) each.full = each.tail - each.head >= 16;
    }
    expect(moves).toBeGreaterThan(1000);
  });

  it('stay when no idle time is set', () => {
    const learned = new LearnedFlows(8, 0);
    learned.learn(tuple(1), 2, 0);
    expect(learned.queueOf(flowOf(tuple(1)), 1e15)).toBe(2);
  });

  it('take the place of an idle flow, and are refused while all are busy', () => {
    const learned = new LearnedFlows(4, IDLE);
    for (let n = 0; n < 4; n++) expect(learned.learn(tuple(n), n, 100 * n)).toBe(true);
    expect(learned.learn(tuple(4), 4, 500)).toBe(false);
    expect(learned.refused).toBe(1);
    // By 1150 flows 0 and 1 have been idle for too long.
    expect(learned.learn(tuple(4), 4, 1150)).toBe(true);
    expect(learned.queueOf(flowOf(tuple(0)), 1150)).toBe(NO_RULE);
    expect(learned.queueOf(flowOf(tuple(4)), 1150)).toBe(4);
    expect(learned.queueOf(flowOf(tuple(3)), 1150)).toBe(3);
    expect(learned.size).toBe(4);
  });
});
