/** The feed of a run: a window of the file that was given, or a synthetic one drawn from the run's seed. */
import type { Picoseconds } from '../../../units/time.js';
import type { Portions } from '../../authoring/portions.js';
import { seededRandom } from '../../authoring/seeded-random.js';
import { FeedError, type Feed } from './feed.js';
import { parseFrom, selectWindow } from './feed-window.js';
import { checkItchFile } from '../wire-formats/itch-file.js';
import { syntheticFeed } from './synthetic-feed.js';

export interface FeedParameters {
  readonly feed: string;
  readonly from: string;
  /** 0 for the rest of the file. */
  readonly duration: Picoseconds;
  readonly scale: number;
  readonly shape: 'open' | 'day';
  readonly stocks: number;
  readonly messages: number;
  /** Messages per second; 0 for what the real ones had. */
  readonly rate: number;
}

/** The name of the input file. */
const FEED_INPUT = 'feed';

/** Throws an ItchFileError for a broken file and a {@link FeedError} for a window that makes no feed. */
export function* feedOf(
  inputs: ReadonlyMap<string, Uint8Array>,
  params: FeedParameters,
  seed: number,
): Portions<Feed> {
  const bytes = inputs.get(FEED_INPUT);
  if (bytes === undefined) {
    const { shape, stocks, messages, rate } = params;
    const random = seededRandom(seed, 'trading/feed');
    return yield* syntheticFeed({ shape, stocks, messages, random, ...(rate > 0 && { rate }) });
  }
  const file = yield* checkItchFile(bytes);
  const { scale, duration } = params;
  const from = params.from === '' ? file.first : parseFrom(params.from, file);
  if (from === undefined) {
    throw new FeedError(
      `from=${params.from}: expected a time of day such as 09:30:00 or a time from the file's start such as 10ms`,
    );
  }
  return yield* selectWindow(file, {
    from,
    scale,
    ...(duration > 0 && { duration }),
  });
}
