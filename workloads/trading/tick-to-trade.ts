/**
 * `trading/tick-to-trade`: an exchange publishes a feed, a trading host keeps books of it and answers some ticks with
 * an order, the exchange acknowledges.
 *
 * `latency` is tick to trade: from the instant at which the exchange meant to publish the message that an order answers
 * until its order gateway sees the order; one that waits there for those before it has that in it. `tick_to_ack` goes
 * on until the trader sees the acknowledgement; `feed_latency` is that of every message, until the trader sees it. All
 * count from the intended instant, so that a feed that falls behind is seen as `backlog` and not left out.
 *
 * Messages of one datagram share a chain that begins with the first of them; the stages of an order for a later one
 * are those of the chain, less the `backlog` that this message did not have.
 *
 * Verified: the trader's books are those of a serial replay, and the exchange received every order of that replay once,
 * in order, with the right bytes; every order was accepted, and traded or cancelled whole.
 */
import {
  STAGES,
  stageTimes,
  type Core,
  type StageTime,
  type Task,
} from '../../node/program/verbs.js';
import { PS_PER_NS } from '../../units/time.js';
import {
  comparePaths,
  LIBRARY_PARAMETER,
  PATH_PARAMETER,
  pathsOf,
  withPath,
} from '../authoring/paths.js';
import { doAtOnce } from '../authoring/portions.js';
import { latencySummary, medianIndex } from '../authoring/statistics.js';
import {
  defineWorkload,
  type ClusterShape,
  type Metric,
  type Summary,
} from '../authoring/workload.js';
import { FeedError, type Feed } from './feed/feed.js';
import { publish } from './feed/feed-publisher.js';
import { trade } from './orders/feed-trader.js';
import { ItchFileError } from './wire-formats/itch-file.js';
import { takeOrders } from './orders/order-gateway.js';
import { VENUE_QUEUES } from './session/socket-venue.js';
import { feedOf, type FeedParameters } from './feed/tick-to-trade-feed.js';
import { replayFeed, type Replay } from './tick-to-trade-replay.js';
import {
  RANK,
  type GatewayResult,
  type PublisherResult,
  type StrategyResult,
  type TickToTradeParameters,
} from './session/tick-to-trade-session.js';

const BACKLOG = STAGES.indexOf('backlog');

function program(
  core: Core,
  task: Task<TickToTradeParameters>,
): Promise<PublisherResult | GatewayResult | StrategyResult> {
  switch (core.rank) {
    case RANK.publisher:
      return publish(core, task);
    case RANK.gateway:
      return takeOrders(core, task);
    default:
      return trade(core, task);
  }
}

function check(
  inputs: ReadonlyMap<string, Uint8Array>,
  params: FeedParameters,
): string | undefined {
  try {
    doAtOnce(feedOf(inputs, params, 0));
    return undefined;
  } catch (error) {
    if (error instanceof ItchFileError) return `feed=${params.feed}: ${error.message}`;
    if (error instanceof FeedError) return error.message;
    throw error;
  }
}

function summarise(
  results: readonly unknown[],
  params: TickToTradeParameters,
  cluster: ClusterShape,
  inputs: ReadonlyMap<string, Uint8Array>,
): Summary {
  const publisher = results[RANK.publisher] as PublisherResult;
  const gateway = results[RANK.gateway] as GatewayResult;
  const strategy = results[RANK.strategy] as StrategyResult;
  const feed = doAtOnce(feedOf(inputs, params, cluster.seed));
  const replay = replayFeed(feed, params);
  const intended = feed.times.map((time) => publisher.began + time);
  const ticks = Float64Array.from(replay.answers, (sequence) => intended[sequence - 1]!);
  const metrics: Metric[] = [];
  let samples: Float64Array | undefined;
  let stages: StageTime[] | undefined;
  if (ticks.length > 0 && gateway.seen.length === ticks.length) {
    samples = differences(gateway.seen, ticks);
    stages = orderStages(gateway, medianIndex(samples), ticks);
    metrics.push(latencySummary(samples));
    if (strategy.acknowledged.length === ticks.length) {
      metrics.push(latencySummary(differences(strategy.acknowledged, ticks), 'tick_to_ack'));
    }
  }
  if (strategy.seen.length === intended.length) {
    metrics.push(latencySummary(differences(strategy.seen, intended), 'feed_latency'));
  }
  return {
    verified: isRight(replay, feed, gateway, strategy),
    ...(ticks.length === 0 && { note: 'no tick was answered, so there is no latency' }),
    metrics,
    ...(stages && { stages }),
    counters: countersOf(publisher, gateway, strategy),
    ...(samples && { samples }),
  };
}

function isRight(
  replay: Replay,
  feed: Feed,
  gateway: GatewayResult,
  strategy: StrategyResult,
): boolean {
  const { orders, answers, digest } = replay;
  return (
    gateway.orders.length === orders.length &&
    orders.every((byte, index) => byte === gateway.orders[index]) &&
    gateway.malformed === 0 &&
    strategy.seen.length === feed.starts.length &&
    strategy.digest === digest &&
    strategy.feedFaults === 0 &&
    strategy.acknowledged.length === answers.length &&
    strategy.wrongReplies === 0
  );
}

/**
 * The stages of order `index`, which answers a message meant for `ticks[index]`; undefined if it was read without an
 * operation of its own, behind another one.
 */
function orderStages(
  gateway: GatewayResult,
  index: number,
  ticks: Float64Array,
): StageTime[] | undefined {
  if (gateway.started[index] === 0) return undefined;
  const at = index * STAGES.length;
  const sums = gateway.stages.slice(at, at + STAGES.length);
  sums[BACKLOG]! -= ticks[index]! - gateway.started[index]!;
  return stageTimes(sums);
}

const differences = (later: Float64Array, earlier: Float64Array): Float64Array =>
  later.map((at, index) => at - earlier[index]!);

function countersOf(
  publisher: PublisherResult,
  gateway: GatewayResult,
  strategy: StrategyResult,
): Record<string, number> {
  return {
    messages: strategy.seen.length,
    datagrams: publisher.datagrams,
    late_messages: publisher.late,
    feed_wait_ns: publisher.waited / PS_PER_NS,
    ticks: strategy.ticks,
    orders: strategy.orders,
    held_orders: strategy.held,
    accepted_orders: strategy.acknowledged.length,
    executed_shares: gateway.executedShares,
    cancelled_shares: gateway.cancelledShares,
    malformed_orders: gateway.malformed,
    feed_faults: strategy.feedFaults,
    wrong_replies: strategy.wrongReplies,
    book_changes: strategy.books['applied']!,
    unknown_references: strategy.books['unknown']!,
    duplicate_references: strategy.books['duplicate']!,
    excess_shares: strategy.books['excess']!,
    empty_orders: strategy.books['empty']!,
    crossed_books: strategy.books['crossed']!,
    ...strategy.lineCounters,
  };
}

export default defineWorkload({
  name: 'trading/tick-to-trade',
  summary:
    'A market data feed, the books built from it, and orders for some of its ticks, wire to wire',
  hosts: 2,
  minHosts: 2,
  parameters: {
    feed: {
      type: 'file',
      default: '',
      help: 'uncompressed Nasdaq ITCH 5.0 file, published at its own times; none: a synthetic feed',
    },
    from: {
      type: 'text',
      default: '',
      help: 'file only: start at a time of day (09:30:00) or a time from its start (10ms); earlier messages fill the books',
    },
    duration: {
      type: 'duration',
      default: 0,
      min: 0,
      help: 'file only: how much of its time to publish; 0: to its end',
    },
    scale: {
      type: 'number',
      default: 1,
      min: 1e-6,
      max: 1e6,
      help: 'file only: multiplies the time between messages; 2 is half as fast',
    },
    shape: {
      type: 'choice',
      default: 'open',
      choices: ['open', 'day'],
      help: 'synthetic feed: the burst after 09:30, or the flow and lifetimes of orders over a day',
    },
    stocks: {
      type: 'integer',
      default: 8,
      min: 1,
      max: 65_535,
      help: 'stocks of the synthetic feed',
    },
    messages: {
      type: 'integer',
      default: 1000,
      min: 1,
      max: 1e6,
      help: 'length of the synthetic feed',
    },
    rate: {
      type: 'number',
      default: 0,
      min: 0,
      max: 1e9,
      help: 'messages per second of the synthetic feed; 0: as fast as the real feed that its shape is taken from',
    },
    tick: {
      type: 'choice',
      default: 'touch',
      choices: ['touch', 'retreat'],
      help: 'ticks to answer: any move of a best price, or only a move away from the market',
    },
    every: { type: 'integer', default: 1, min: 1, max: 1e9, help: 'answer every n-th tick' },
    quantity: { type: 'integer', default: 100, min: 1, max: 1e6, help: 'shares per order' },
    book: {
      type: 'duration',
      default: 120_000,
      min: 0,
      help: "processor time per message: decode it and update its book (120 ns: CppTrader's README, optimized market manager on a day of ITCH, i7-4790K; grade B)",
    },
    decide: {
      type: 'duration',
      default: 50_000,
      min: 0,
      help: 'processor time per order: decide and fill in the message (50 ns: assumed; grade D)',
    },
    gateway: {
      type: 'duration',
      default: 200_000,
      min: 0,
      help: "the exchange's processor time per order before it answers; not in `latency`, but part of `tick_to_ack` (200 ns: assumed; grade D)",
    },
    receives: {
      type: 'integer',
      default: 256,
      min: 4,
      max: 16_384,
      help: 'receives that the trader posts for datagrams; a feed that has used them up waits',
    },
    path: PATH_PARAMETER,
    library: LIBRARY_PARAMETER,
  },
  configurations: (params, { cores }) => {
    const paths = pathsOf(params.path);
    if (typeof paths === 'string') return paths;
    if (cores < 2) return 'the exchange needs two cores on one host (--cores 2)';
    return paths.map((path) => withPath(params, path));
  },
  check,
  place: () => [
    { host: 0, core: 0, role: 'publisher' },
    { host: 0, core: 1, role: 'gateway' },
    { host: 1, core: 0, role: 'strategy' },
  ],
  machine: ({ path }) => (path === 'rdma' ? {} : { queues: VENUE_QUEUES }),
  program,
  summarise,
  compare: (results) => comparePaths(results, () => ''),
});
