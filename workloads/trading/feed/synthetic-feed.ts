/**
 * A feed where no file is at hand: a market of made-up stocks whose messages come as real ones do.
 *
 * `day`: a Hawkes process with two exponentials; what an event brings about is about the same stock. Orders
 * live as long as real ones and are deleted when their time is over. All of its times, lives included,
 * are those of one real stock, shortened or stretched to the wanted rate per stock.
 * `open`: the first milliseconds after 09:30, with that burst's gaps and mix.
 */
import { LAST_INSTANT, PS_PER_NS } from '../../../units/time.js';
import type { Portions } from '../../authoring/portions.js';
import { FeedError, MESSAGES_PER_PORTION, type Feed } from './feed.js';
import {
  DAY_ARRIVALS,
  DAY_MIX,
  drawQuantile,
  drawWeighted,
  OPENING_GAPS,
  OPENING_MIX,
  OPENING_RATE,
  ORDER_LIVES,
} from './feed-statistics.js';
import { Hawkes, hawkesRate } from './hawkes.js';
import { ItchWriter } from '../wire-formats/itch-writer.js';
import { OrderFlow } from './order-flow.js';
import { OrderLives } from './order-lives.js';

export interface SyntheticFeedParameters {
  readonly shape: 'day' | 'open';
  readonly stocks: number;
  readonly messages: number;
  /** Messages per second, on average; what the real ones had unless given. */
  readonly rate?: number;
  /** Orders on each side of each stock before the first message. */
  readonly depth?: number;
  /** Numbers in [0, 1): the only source of chance. */
  readonly random: () => number;
}

/** 09:30, in nanoseconds since midnight. */
const MARKET_OPEN = 34_200e9;
const NS_PER_S = 1e9;
const NS_PER_DAY = 86_400e9;
const MOST_STOCKS = 0xffff;
const DEFAULT_DEPTH = 10;

/** Throws a {@link FeedError} if the parameters make no feed. */
export function* syntheticFeed(parameters: SyntheticFeedParameters): Portions<Feed> {
  const { messages, stocks, random, shape, depth = DEFAULT_DEPTH } = parameters;
  requireCount('stocks', stocks, MOST_STOCKS);
  requireCount('messages', messages, 2 ** 26);
  requireCount('depth', depth, 10_000);
  if (parameters.rate !== undefined && !(parameters.rate > 0 && parameters.rate <= NS_PER_S)) {
    throw new FeedError(`rate ${parameters.rate}: must be above 0 and at most 1e9 per second`);
  }
  const writer = new ItchWriter();
  const flow = new OrderFlow(stocks, writer, random);
  flow.at(MARKET_OPEN - 1);
  yield* flow.open(depth);
  const primer = writer.bytes();
  const starts = new Uint32Array(messages);
  const times = new Float64Array(messages);
  const source = shape === 'day' ? dayOf(flow, parameters) : openingOf(flow, parameters);
  let first = 0;
  for (let index = 0; index < messages; index++) {
    const now = MARKET_OPEN + source.advance();
    if (index === 0) first = now;
    if (now >= NS_PER_DAY || (now - first) * PS_PER_NS > LAST_INSTANT) {
      throw new FeedError(
        `${messages} messages at this rate last longer than a run can: 2.5 hours`,
      );
    }
    flow.at(now);
    starts[index] = source.write(index) - primer.length;
    times[index] = (now - first) * PS_PER_NS;
    if (index % MESSAGES_PER_PORTION === 0) yield;
  }
  return { primer, bytes: writer.bytes().slice(primer.length), starts, times };
}

interface Source {
  /** Goes on to the next message and answers its time, in nanoseconds from 09:30. */
  advance(): number;
  /** Writes it and answers where it starts. */
  write(index: number): number;
}

function dayOf(flow: OrderFlow, { stocks, rate, random }: SyntheticFeedParameters): Source {
  const process = new Hawkes(DAY_ARRIVALS, random);
  const natural = hawkesRate(DAY_ARRIVALS);
  const stretch = natural / (rate ?? natural * stocks);
  const lives = new OrderLives();
  const popularity = popularities(stocks);
  let stock = 0;
  return {
    advance: () => {
      process.advance();
      return Math.floor(process.time * stretch * NS_PER_S);
    },
    write: () => {
      for (;;) {
        const due = lives.takeDue(process.time);
        if (due === undefined) break;
        if (flow.isResting(due)) return flow.delete(due);
      }
      if (!process.excited) stock = drawStock(popularity, random);
      const newest = flow.newest;
      const start = flow.next(drawWeighted(DAY_MIX, random), stock);
      if (flow.newest !== newest) {
        // One process serves all stocks, so its clock runs `stocks` times as fast as a single stock's.
        lives.add(flow.newest, process.time + drawQuantile(ORDER_LIVES, random) * stocks);
      }
      return start;
    },
  };
}

function openingOf(flow: OrderFlow, { stocks, rate, random }: SyntheticFeedParameters): Source {
  const stretch = OPENING_RATE / (rate ?? OPENING_RATE);
  const popularity = popularities(stocks);
  let time = 0;
  return {
    advance: () => {
      time += drawQuantile(OPENING_GAPS, random) * stretch;
      return Math.floor(time);
    },
    write: (index) => {
      if (index === 0) return flow.openMarket();
      return flow.next(drawWeighted(OPENING_MIX, random), drawStock(popularity, random));
    },
  };
}

/** Running sums of 1/1, 1/2, 1/3, ...: few stocks have most of the messages. */
function popularities(stocks: number): Float64Array {
  const sums = new Float64Array(stocks);
  for (let stock = 0, sum = 0; stock < stocks; stock++) {
    sum += 1 / (stock + 1);
    sums[stock] = sum;
  }
  return sums;
}

function drawStock(sums: Float64Array, random: () => number): number {
  const mark = random() * sums.at(-1)!;
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > mark) high = middle;
    else low = middle + 1;
  }
  return low;
}

function requireCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new FeedError(`${name} ${value}: must be a whole number from 1 to ${most}`);
  }
}
