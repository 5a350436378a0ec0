/** When what happens in a run of `host/rss`, and who takes part in it. */
import type { Instant } from '../../node/program/verbs.js';
import { PS_PER_MS, PS_PER_US } from '../../units/time.js';
import { lengthOf, type RssParameters } from './rss-parameters.js';

export const GENERATOR_HOST = 0;
export const SERVER_HOST = 1;

/** What a packet belongs to. */
export const PHASE = { warm: 0, light: 1, settle: 2, load: 3, stop: 4 } as const;

/**
 * What the sequence numbers of a phase begin with: the conductor sends of every flow while little is sent, and so does
 * the flow's own generator when much is.
 */
export const sequenceBase = (phase: number): number =>
  phase < PHASE.load ? 0 : (phase - PHASE.settle) * 2 ** 28;

/** Queues that one generator can overload. */
const CORES_PER_GENERATOR = 4;

export const generatorsFor = (cores: number): number => Math.ceil(cores / CORES_PER_GENERATOR);

export interface Schedule {
  /** The lightly loaded phase begins; nothing of it is under way any more. */
  readonly light: Instant;
  readonly settled: Instant;
  /** More is offered than can be served, from here to the window's end. */
  readonly load: Instant;
  readonly windowStart: Instant;
  readonly windowEnd: Instant;
  /** Whatever waited in rings and sockets has been read. */
  readonly drained: Instant;
}

const WARM_SHARE = 5;
const GAP = PS_PER_MS;
const DRAIN = 10 * PS_PER_MS;

/**
 * Packets that come before those whose latency is measured. A flow is steered to its program when the program has read
 * of it and it comes again, so with RFS every flow comes twice.
 */
export const warmPackets = ({ iterations, steering, flows }: RssParameters): number =>
  Math.max(Math.ceil(iterations / WARM_SHARE), steering === 'rfs' ? 2 * flows : 0);

/** Mean time between the packets of the lightly loaded phase. */
export const lightInterval = ({ light }: RssParameters): number => PS_PER_US / light;

export function scheduleFrom(start: Instant, params: RssParameters): Schedule {
  const packets = warmPackets(params) + params.iterations;
  // Drawn intervals sum to their mean's multiple and some: the tenth part more, and a hundred intervals.
  const length = Math.ceil((1.1 * packets + 100) * lightInterval(params));
  const settled = start + length + GAP;
  const load = settled + GAP;
  const windowStart = load + lengthOf(params.warmup);
  const windowEnd = windowStart + lengthOf(params.window);
  return {
    light: start,
    settled: settled as Instant,
    load: load as Instant,
    windowStart: windowStart as Instant,
    windowEnd: windowEnd as Instant,
    drained: (windowEnd + DRAIN) as Instant,
  };
}
