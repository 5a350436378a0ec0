/**
 * Rules that decide before receive side scaling does: `ethtool -N` (ntuple) and ibv_create_flow. A rule matches a frame
 * whose fields are all those it names; of several, the one of the least priority number wins, then of the least
 * location, as location-ordered devices have it. Rules that name all five fields of a flow are found in one look-up,
 * the others stand in a list. Masks over part of a field are not modelled, and a frame goes to one target only,
 * multicast too.
 */
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../../wire/ipv4.js';
import type { FrameFlow } from './frame-flow.js';
import { refuse, type Refusal } from './refusal.js';
import { TupleMap, type FiveTuple } from './tuple-map.js';

/** A frame's target: a receive queue from 0 on, `RAW_TARGET` + index of a queue pair of raw frames, or none. */
export const RAW_TARGET = 2 ** 24;
export const DROP_TARGET = -1;
/** No rule matches. */
export const NO_RULE = -2;

/**
 * What a frame must have; a field that is left out may be anything. Addresses are those of IPv4, ports of both
 * versions.
 */
export interface FlowMatch {
  readonly destinationMac?: number;
  readonly vlan?: number;
  readonly etherType?: number;
  readonly protocol?: number;
  readonly source?: number;
  readonly destination?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface FlowRule {
  readonly match: FlowMatch;
  readonly target: number;
  readonly priority: number;
  readonly location: number;
}

const FIELDS: readonly (readonly [field: keyof FlowMatch, most: number])[] = [
  ['destinationMac', 2 ** 48 - 1],
  ['vlan', 0xfff],
  ['etherType', 0xffff],
  ['protocol', 0xff],
  ['source', 2 ** 32 - 1],
  ['destination', 2 ** 32 - 1],
  ['sourcePort', 0xffff],
  ['destinationPort', 0xffff],
];

const INSERT = 'rmgr: Cannot insert RX class rule';
const DELETE = 'rmgr: Cannot delete RX class rule';

export class FlowTable {
  readonly capacity: number;
  private readonly rules = new Map<number, FlowRule>();
  /** Full five-tuples to an index of `buckets`, whose rules stand in order. */
  private readonly exact = new TupleMap();
  private readonly buckets: FlowRule[][] = [];
  private readonly freeBuckets: number[] = [];
  /** The other rules, in order. */
  private readonly partial: FlowRule[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Adds a rule; where it stands, or why not. Without a location the last free one; in a taken one it replaces. */
  add(match: FlowMatch, target: number, priority = 0, location?: number): number | Refusal {
    if (!isValid(match) || !Number.isInteger(priority) || priority < 0) {
      return refuse('EINVAL', `${INSERT}: Invalid argument`);
    }
    const at = location ?? this.lastFree();
    if (at < 0 || at >= this.capacity || !Number.isInteger(at)) {
      return refuse('ENOSPC', `${INSERT}: No space left on device`);
    }
    for (const rule of this.rules.values()) {
      if (rule.location !== at && rule.priority === priority && isSame(rule.match, match)) {
        return refuse('EEXIST', `${INSERT}: File exists`);
      }
    }
    if (this.rules.has(at)) this.delete(at);
    const rule: FlowRule = { match: { ...match }, target, priority, location: at };
    this.rules.set(at, rule);
    insert(this.homeOf(rule), rule);
    return at;
  }

  delete(location: number): Refusal | null {
    const rule = this.rules.get(location);
    if (rule === undefined) return refuse('ENOENT', `${DELETE}: No such file or directory`);
    this.rules.delete(location);
    const home = this.homeOf(rule);
    home.splice(home.indexOf(rule), 1);
    if (home.length === 0 && isExact(rule.match)) {
      this.freeBuckets.push(this.exact.get(rule.match));
      this.exact.delete(rule.match);
    }
    return null;
  }

  /** All rules, by location. */
  list(): FlowRule[] {
    return [...this.rules.values()].sort((a, b) => a.location - b.location);
  }

  /** The target of the first rule that matches `flow`, or {@link NO_RULE}. */
  targetOf(flow: FrameFlow): number {
    if (this.rules.size === 0) return NO_RULE;
    let found: FlowRule | undefined;
    if (this.exact.size > 0 && flow.sourcePort >= 0 && flow.source >= 0) {
      const bucket = this.exact.get(flow);
      if (bucket >= 0) found = firstMatch(this.buckets[bucket]!, flow, undefined);
    }
    found = firstMatch(this.partial, flow, found);
    return found === undefined ? NO_RULE : found.target;
  }

  /** The list in which `rule` stands or belongs. */
  private homeOf({ match }: FlowRule): FlowRule[] {
    if (!isExact(match)) return this.partial;
    let bucket = this.exact.get(match);
    if (bucket < 0) {
      bucket = this.freeBuckets.pop() ?? this.buckets.push([]) - 1;
      this.exact.set(match, bucket);
    }
    return this.buckets[bucket]!;
  }

  /** As ethtool chooses: from the last location down. */
  private lastFree(): number {
    if (this.rules.size >= this.capacity) return -1;
    let location = this.capacity - 1;
    while (this.rules.has(location)) location--;
    return location;
  }
}

/** The first rule of `rules` that matches, if it comes before `best`; else `best`. */
function firstMatch(
  rules: readonly FlowRule[],
  flow: FrameFlow,
  best: FlowRule | undefined,
): FlowRule | undefined {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!;
    if (best !== undefined && !comesBefore(rule, best)) return best;
    if (matches(rule.match, flow)) return rule;
  }
  return best;
}

function matches(match: FlowMatch, flow: FrameFlow): boolean {
  return (
    (match.destinationMac === undefined || match.destinationMac === flow.destinationMac) &&
    (match.vlan === undefined || match.vlan === flow.vlan) &&
    (match.etherType === undefined || match.etherType === flow.etherType) &&
    (match.protocol === undefined || match.protocol === flow.protocol) &&
    (match.source === undefined || match.source === flow.source) &&
    (match.destination === undefined || match.destination === flow.destination) &&
    (match.sourcePort === undefined || match.sourcePort === flow.sourcePort) &&
    (match.destinationPort === undefined || match.destinationPort === flow.destinationPort)
  );
}

const comesBefore = (a: FlowRule, b: FlowRule): boolean =>
  a.priority < b.priority || (a.priority === b.priority && a.location < b.location);

function insert(rules: FlowRule[], rule: FlowRule): void {
  let at = rules.length;
  while (at > 0 && comesBefore(rule, rules[at - 1]!)) at--;
  rules.splice(at, 0, rule);
}

const isExact = (match: FlowMatch): match is FlowMatch & FiveTuple =>
  match.protocol !== undefined &&
  match.source !== undefined &&
  match.destination !== undefined &&
  match.sourcePort !== undefined &&
  match.destinationPort !== undefined;

const isSame = (a: FlowMatch, b: FlowMatch): boolean =>
  FIELDS.every(([field]) => a[field] === b[field]);

function isValid(match: FlowMatch): boolean {
  for (const [field, most] of FIELDS) {
    const value = match[field];
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= most)) {
      return false;
    }
  }
  const hasPorts = match.sourcePort !== undefined || match.destinationPort !== undefined;
  return !hasPorts || match.protocol === PROTOCOL_TCP || match.protocol === PROTOCOL_UDP;
}
