/**
 * The driver of host/paging: a process that has a device of its own read from its memory, or write to it, while the
 * pager is at work. It first looks when a transfer reaches memory at all, then has the page replaced at the fraction
 * asked for.
 */
import type { Core, Instant } from '../../node/program/verbs.js';
import { us } from '../../units/durations.js';
import { openPagingDevice, type Device } from './paging-device.js';
import {
  beforeByte,
  bytesOf,
  messageByte,
  NEIGHBOUR,
  OFFSET,
  PAGE,
  PEER,
  type Damage,
  type Order,
  type PagingParameters,
} from './paging-plan.js';
import { judge, type Verdict } from './paging-transfer.js';

export interface PagingRecord {
  /** The transfer with the page replaced at the fraction asked for; where that is safe, all of those tried. */
  readonly wrong: number;
  readonly ruined: number;
  readonly faults: number;
  /** Bytes of the message that had been moved by then, and how many are expected from the times found. */
  readonly right: number;
  readonly expected: number;
  /** From the first moment at which some bytes were right to the first at which all were, in ps. */
  readonly window: number;
  readonly transfers: number;
  readonly problems: readonly string[];
}

/** Until everybody is ready. */
const LEAD = 20_000_000_000;
/** For what was sent to arrive. */
const ARRIVAL = us(100);
/** Moments tried where nothing ever goes wrong, and halvings of the time looked for the window in. */
const MOMENTS = 8;
const HALVINGS = 9;
const TRIES = 12;

export async function driver(core: Core, params: PagingParameters): Promise<PagingRecord> {
  const buffer = await core.mmap(PAGE);
  const device = await openPagingDevice(core, params, buffer);
  await core.hear(NEIGHBOUR);
  await core.hear(PEER);
  const problems: string[] = [];
  let round = 0;
  const attempt = async (moment: number | null): Promise<Verdict & { took: number }> => {
    const result = await transfer(core, params, device, buffer.address, ++round, moment);
    problems.push(...result.problems.map((problem) => `transfer ${round}: ${problem}`));
    return result;
  };

  const { took: flight } = await attempt(null);
  const early = await attempt(0);
  const safe = early.wrong === 0 && !early.faulted;
  let record: Omit<PagingRecord, 'transfers' | 'problems'>;
  if (safe) {
    let [wrong, ruined] = [early.wrong, early.ruined];
    for (let i = 1; i <= MOMENTS; i++) {
      const verdict = await attempt(Math.round((flight * i) / MOMENTS));
      wrong += verdict.wrong;
      ruined += verdict.ruined;
    }
    record = { wrong, ruined, faults: 0, right: params.size, expected: params.size, window: 0 };
  } else {
    record = await strike(params, flight, attempt);
  }
  await core.tell(NEIGHBOUR, 'done');
  await core.tell(PEER, 'done');
  return { ...record, transfers: round, problems };
}

/**
 * Finds the window of moments in which a transfer is under way, and has the page replaced in it. Noise can put a
 * transfer beside the window that others showed: then it is looked for again.
 */
async function strike(
  { at, size }: PagingParameters,
  flight: number,
  attempt: (moment: number) => Promise<Verdict>,
): Promise<Omit<PagingRecord, 'transfers' | 'problems'>> {
  for (let tries = 1; ; tries++) {
    const begin = await lastBelow(0, flight, async (moment) => (await attempt(moment)).right === 0);
    const end = await lastBelow(
      begin,
      flight,
      async (moment) => (await attempt(moment)).right < size,
    );
    const { wrong, ruined, right, faulted } = await attempt(Math.round(begin + at * (end - begin)));
    const beside = right === 0 || right === size;
    if (beside && at > 0 && at < 1 && tries < TRIES) continue;
    const expected = Math.round(at * size);
    return { wrong, ruined, faults: faulted ? 1 : 0, right, expected, window: end - begin };
  }
}

/** Halves [from, to] until it is known well enough where `holds` ends. */
async function lastBelow(
  from: number,
  to: number,
  holds: (moment: number) => Promise<boolean>,
): Promise<number> {
  let [low, high] = [from, to];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.round((low + high) / 2);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** One transfer; the neighbour wants a page at `moment` after its beginning, unless that is null. */
async function transfer(
  core: Core,
  params: PagingParameters,
  device: Device,
  page: number,
  round: number,
  moment: number | null,
): Promise<Verdict & { took: number }> {
  const { direction, memory, size } = params;
  const reads = direction === 'read';
  const fill = bytesOf(size, (place) => (reads ? messageByte : beforeByte)(round, place));
  await core.write(page + OFFSET, fill);
  await device.prepare(round);
  const known = (await core.dmaHazards()).length;
  const order: Order = { round, begins: (core.now + LEAD) as Instant, moment };
  await core.tell(NEIGHBOUR, order);
  await core.tell(PEER, order);
  await core.hear(NEIGHBOUR);
  if (reads) await core.hear(PEER);
  if (core.now >= order.begins) throw new Error('somebody was not ready in time');

  const { status, took } = await device.move(order);
  await core.sleep(ARRIVAL);
  let bytes: ArrayLike<number> | null;
  if (reads) {
    await core.tell(PEER, 'look');
    bytes = (await core.hear(PEER)) as number[] | null;
  }
  // Before anybody uses memory again: a ruined page that is taken once more is read from swap as it was.
  await core.tell(NEIGHBOUR, 'look');
  const damage = (await core.hear(NEIGHBOUR)) as Damage;
  if (!reads) bytes = await core.read(page + OFFSET, size);
  const hazards = (await core.dmaHazards()).slice(known);
  const faults = memory === 'odp' ? [] : await core.iommuFaults();
  const faultAt = faults.length === 0 ? undefined : faults[0]!.address - page - OFFSET;
  const seen = { direction, round, size, qpNum: device.qpNum, status, hazards, faultAt };
  return { ...judge({ ...seen, bytes: bytes!, damage }), took };
}
