/**
 * Where a frame goes that a network function received: a rule decides if one matches, then the function's mode. One
 * object per function; a virtual function has its own, with its own key, table, rules and queues.
 *
 *   single   everything to queue 0
 *   rss      the frame's hash, through the indirection table
 *   spray    the queues in turn, frame by frame: what the textbook's NIC does not do, to compare
 *   rfs      the queue that the kernel named for the flow, and until then as rss
 *
 * A frame that is not IP goes to queue 0 in every mode. RoCEv2 is UDP, whose source port differs between queue pairs.
 */
import { FlowTable, NO_RULE, DROP_TARGET, RAW_TARGET, type FlowMatch } from './flow-table.js';
import { FrameFlow } from './frame-flow.js';
import { IndirectionTable } from './indirection-table.js';
import { LearnedFlows, type QueuePosition } from './learned-flows.js';
import { refuse, type Refusal } from './refusal.js';
import { KEY_LENGTH, MICROSOFT_KEY, Toeplitz } from './toeplitz.js';

export const STEERING_MODES = ['single', 'rss', 'spray', 'rfs'] as const;
export type SteeringMode = (typeof STEERING_MODES)[number];

export interface SteeringOptions {
  readonly mode: SteeringMode;
  readonly queues: number;
  /** Rules that fit, flows that can be learned, and how long a learned flow may be idle, in ps. */
  readonly rules: number;
  readonly learned: number;
  readonly idle: number;
  /** By receive queue: how far it is. Without them a learned flow moves at once. */
  readonly positions?: readonly QueuePosition[];
}

/** Of all NICs whose key nobody has set: its table is 36 KiB, and takes a while to make. */
const DEFAULT_HASH = new Toeplitz(MICROSOFT_KEY);

export class ReceiveSteering {
  mode: SteeringMode;
  readonly table: IndirectionTable;
  readonly rules: FlowTable;
  readonly learned: LearnedFlows;
  /** Of the last frame steered: its hash, as its descriptor carries it (0 if it is not IP), and what was read of it. */
  hash = 0;
  readonly flow = new FrameFlow();
  /** Frames by receive queue; to queue pairs of raw frames; dropped by a rule. */
  readonly frames: number[] = [];
  rawFrames = 0;
  dropped = 0;
  private toeplitz = DEFAULT_HASH;
  private queues: number;
  private turn = 0;

  constructor({ mode, queues, rules, learned, idle, positions = [] }: SteeringOptions) {
    this.mode = mode;
    this.queues = queues;
    this.table = new IndirectionTable(queues);
    this.rules = new FlowTable(rules);
    this.learned = new LearnedFlows(learned, idle, positions);
    for (let i = 0; i < queues; i++) this.frames.push(0);
  }

  get key(): readonly number[] {
    return this.toeplitz.key;
  }

  /** The target of the frame of `length` bytes at `at`, its Ethernet header first, that arrives at `now`. */
  steer(view: DataView, at: number, length: number, now: number): number {
    const { flow } = this;
    flow.parse(view, at, length);
    this.hash =
      flow.addressesLength === 0
        ? 0
        : this.toeplitz.hash(view, flow.addressesAt, flow.addressesLength, flow.portsAt);
    let target = this.rules.targetOf(flow);
    if (target === NO_RULE) target = this.queueByMode(now);
    if (target === DROP_TARGET) this.dropped++;
    else if (target >= RAW_TARGET) this.rawFrames++;
    else this.frames[target]!++;
    return target;
  }

  /** `ethtool -X hkey`. */
  setKey(key: readonly number[]): Refusal | null {
    if (key.length !== KEY_LENGTH || key.some((byte) => (byte & 0xff) !== byte)) {
      return refuse('EINVAL', `Key is not ${KEY_LENGTH} bytes long`);
    }
    this.toeplitz = new Toeplitz(key);
    return null;
  }

  /** `ethtool -L combined N`; a queue that the table or a rule names stays. */
  setQueues(queues: number): Refusal | null {
    for (const { target } of this.rules.list()) {
      if (target < RAW_TARGET && target >= queues) {
        return refuse(
          'EINVAL',
          'requested channel counts are too low for existing ntuple filter settings',
        );
      }
    }
    const refused = this.table.resize(queues);
    if (refused !== null) return refused;
    this.queues = queues;
    this.turn %= queues;
    while (this.frames.length < queues) this.frames.push(0);
    return null;
  }

  /** `ethtool -N` and ibv_create_flow: the rule's location, or why it was not taken. */
  addRule(
    match: FlowMatch,
    target: number,
    priority?: number,
    location?: number,
  ): number | Refusal {
    const isQueue = Number.isInteger(target) && target >= 0 && target < this.queues;
    if (!isQueue && target !== DROP_TARGET && !(target >= RAW_TARGET)) {
      return refuse('EINVAL', 'rmgr: Cannot insert RX class rule: Invalid argument');
    }
    return this.rules.add(match, target, priority, location);
  }

  private queueByMode(now: number): number {
    const { flow } = this;
    if (flow.addressesLength === 0) return 0;
    switch (this.mode) {
      case 'single':
        return 0;
      case 'spray': {
        const queue = this.turn;
        this.turn = queue + 1 === this.queues ? 0 : queue + 1;
        return queue;
      }
      case 'rfs': {
        const queue = this.learned.queueOf(flow, now);
        // A queue that has gone since: the table speaks for the flow.
        if (queue >= 0 && queue < this.queues) return queue;
        return this.table.queueOf(this.hash);
      }
      case 'rss':
        return this.table.queueOf(this.hash);
    }
  }
}
