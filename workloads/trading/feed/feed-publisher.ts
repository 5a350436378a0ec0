/**
 * The exchange's feed: publishes every message at the instant that is meant for it, whatever became of those before
 * (an open loop). Messages that are due together go in one datagram. One that is published late is late by what its
 * chain calls `backlog`.
 */
import type { Core, Instant, Task } from '../../../node/program/verbs.js';
import { doInPortions } from '../../authoring/portions.js';
import { PS_PER_US } from '../../../units/time.js';
import { framedLength, type Feed } from './feed.js';
import { MoldPacker } from '../wire-formats/moldudp64.js';
import { MulticastSender } from './multicast-sender.js';
import type { FeedSender } from '../session/session-lines.js';
import { feedOf } from './tick-to-trade-feed.js';
import {
  RANK,
  SESSION,
  type PublisherResult,
  type TickToTradeParameters,
} from '../session/tick-to-trade-session.js';
import { VerbsFeedSender } from './verbs-feed-sender.js';

/** From the subscriber's word that it is ready to the first message: by then the gateway knows, too. */
const LEAD = 1000 * PS_PER_US;

export async function publish(
  core: Core,
  { params, inputs, seed }: Task<TickToTradeParameters>,
): Promise<PublisherResult> {
  const feed = await doInPortions(core, feedOf(inputs, params, seed));
  const sender: FeedSender =
    params.path === 'rdma'
      ? await VerbsFeedSender.open(core, params.receives)
      : await MulticastSender.open(core, feed, params);
  const packer = new MoldPacker(SESSION, sender.slotBytes);
  let late = 0;

  await core.hear(RANK.strategy);
  const began = core.now + LEAD;
  await core.tell(RANK.gateway, began);
  await sender.begin(began);
  for (let next = 0; next < feed.starts.length;) {
    await sender.room();
    const intended = (began + feed.times[next]!) as Instant;
    if (core.now < intended) await sender.sleepUntil(intended);
    core.beginOperation(intended);
    const first = next;
    next = packDue(feed, next, core.now - began, packer);
    for (let message = first; message < next; message++) {
      if (began + feed.times[message]! < core.now) late++;
    }
    const length = packer.finish();
    await core.compute({ bytes: 2 * length }, () => undefined);
    await sender.send(packer.datagram, length);
  }
  const { sent: datagrams } = sender;
  core.endOperation();
  await sender.end(packer.datagram, packer.endOfSession());
  return { began, datagrams, late, waited: sender.waited };
}

/** Packs what is due at `now`, at least one message, as far as it fits; answers the next one. */
function packDue(feed: Feed, from: number, now: number, packer: MoldPacker): number {
  let next = from;
  while (next < feed.starts.length && (next === from || feed.times[next]! <= now)) {
    const start = feed.starts[next]!;
    const length = framedLength(feed.bytes, start);
    if (!packer.fits(length)) break;
    packer.add(feed.bytes, start, start + length);
    next++;
  }
  return next;
}
