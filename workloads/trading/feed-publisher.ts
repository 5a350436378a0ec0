/**
 * The exchange's feed: publishes every message at the instant that is meant for it, whatever became of those before
 * (an open loop). Messages that are due together go in one datagram. One that is published late is late by what its
 * chain calls `backlog`.
 *
 * The subscriber writes the number of batches that it has receives for again into the publisher's memory. A feed that
 * has used up its receives waits, and the time is counted; the instants that are meant stay what they were.
 */
import type { Core, Instant, Task } from '../../node/verbs.js';
import { PS_PER_US } from '../../units/time.js';
import { connect, openDevice, sharedRegion } from '../micro/connect.js';
import { framedLength, type Feed } from './feed.js';
import { MoldPacker } from './moldudp64.js';
import { batchOf, type RingShape } from './receive-ring.js';
import { SendWindow } from './send-window.js';
import { feedOf } from './tick-to-trade-feed.js';
import {
  GRANTS_BYTES,
  LONGEST_DATAGRAM,
  RANK,
  SEND_DEPTH,
  SESSION,
  type PublisherResult,
  type TickToTradeParameters,
} from './tick-to-trade-session.js';

/** From the subscriber's word that it is ready to the first message: by then the gateway knows, too. */
const LEAD = 1000 * PS_PER_US;
/** The most that is worth sending inline: beyond it, fetching costs no more than the WQE's further blocks. */
const MOST_INLINE = 220;

export async function publish(
  core: Core,
  { params, inputs, seed }: Task<TickToTradeParameters>,
): Promise<PublisherResult> {
  const feed = feedOf(inputs, params, seed);
  const device = await openDevice(core);
  const { activeMtu, maxInlineData } = device.context.attributes;
  const slotBytes = Math.min(activeMtu, LONGEST_DATAGRAM);
  const ring: RingShape = { slots: params.receives, slotBytes };
  // The datagrams under way, and behind them the subscriber's count of batches.
  const grantsAt = SEND_DEPTH * slotBytes;
  const region = await sharedRegion(core, device.pd, grantsAt + GRANTS_BYTES);
  const sendCq = await device.context.createCq(SEND_DEPTH);
  const recvCq = await device.context.createCq(1);
  const { qp } = await connect(core, device, {
    peer: RANK.strategy,
    sendCq,
    recvCq,
    cap: { maxSendWr: SEND_DEPTH, maxRecvWr: 1, maxInlineData },
    region,
  });
  const sends = new SendWindow(qp, sendCq, SEND_DEPTH);
  const packer = new MoldPacker(SESSION, slotBytes);
  const mostInline = Math.min(MOST_INLINE, qp.cap.maxInlineData);
  let grants = 0;
  let granted = ring.slots;
  let waited = 0;
  let late = 0;

  const send = (length: number, last = false): void => {
    const at = (sends.posted % SEND_DEPTH) * slotBytes;
    region.bytes.set(packer.datagram.subarray(0, length), at);
    const sges = [region.sge(at, length)];
    sends.post({ opcode: 'SEND', sges, inline: length <= mostInline }, last);
  };
  const roomAtSubscriber = async (): Promise<void> => {
    const since = core.now;
    while (sends.posted === granted) {
      const now = await core.watch(region.address + grantsAt, grants & 0xff);
      const more = (now - grants) & 0xff;
      grants += more;
      granted += more * batchOf(ring);
    }
    waited += core.now - since;
  };

  await core.hear(RANK.strategy);
  const began = core.now + LEAD;
  await core.tell(RANK.gateway, began);
  for (let next = 0; next < feed.starts.length;) {
    await sends.ease();
    await roomAtSubscriber();
    const intended = (began + feed.times[next]!) as Instant;
    if (core.now < intended) await core.sleepUntil(intended);
    core.beginOperation(intended);
    const first = next;
    next = packDue(feed, next, core.now - began, packer);
    for (let message = first; message < next; message++) {
      if (began + feed.times[message]! < core.now) late++;
    }
    const length = packer.finish();
    await core.compute({ bytes: 2 * length }, () => undefined);
    send(length);
  }
  const datagrams = sends.posted;
  core.endOperation();
  await sends.room();
  await roomAtSubscriber();
  send(packer.endOfSession(), true);
  await sends.drain();
  await core.hear(RANK.strategy);
  return { began, datagrams, late, waited };
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
