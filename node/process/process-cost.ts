/**
 * What a run cost one process in wall time and in bytes sent, as it travels to the coordinator with the outcome. None
 * of it is part of the results: it differs from run to run.
 */
import {
  list,
  number,
  reader,
  record,
  refined,
  saying,
  whole,
  type Infer,
} from '../../wire/control/shape.js';
import type { FreeCost } from '../links/free-runner.js';
import type { RemoteLink } from '../links/remote-link.js';
import { WAIT_BUCKETS, WindowCost } from '../links/window-cost.js';

/** For whom a process waited, beside other processes (by number). */
export const FOR_COORDINATOR = -1;
export const FOR_THE_END = -2;

const ms = number(0, Number.MAX_SAFE_INTEGER);

const WAITS = record('waits', {
  /** A process, or {@link FOR_COORDINATOR}, or {@link FOR_THE_END}. */
  whom: whole(FOR_THE_END, ({ processes }) => processes - 1),
  ms,
  /** How many waits of which length; see {@link WAIT_BUCKETS}. */
  buckets: refined(
    list(WAIT_BUCKETS, saying('not a count', whole())),
    ({ length }) => length === WAIT_BUCKETS,
    `not ${WAIT_BUCKETS}`,
  ),
});
type Waits = Infer<typeof WAITS>;

/** What went to one other process. */
const SENT_TO = record('sent', {
  process: whole(0, ({ processes }) => processes - 1),
  messages: whole(),
  bytes: whole(),
  frames: whole(),
});
type SentTo = Infer<typeof SENT_TO>;

const PROCESS_COST = record('cost', {
  /** In ms: simulating; and waiting, for anything at all. */
  busy: ms,
  waiting: ms,
  windows: whole(),
  /** By whom, where windows are what it waits for. */
  waits: list(({ processes }) => processes + 2, WAITS),
  sent: list(({ processes }) => processes, SENT_TO),
  /** Control messages, both ways. */
  controlBytes: whole(),
});
export type ProcessCost = Infer<typeof PROCESS_COST>;

/** `cost` is that of the process's runner, `link` its way to the others, if there are any. */
export function processCost(
  cost: WindowCost | FreeCost | undefined,
  link: RemoteLink | undefined,
  controlBytes: number,
): ProcessCost {
  const waits = cost instanceof WindowCost ? waitsOf(cost) : [];
  const waiting =
    cost instanceof WindowCost
      ? waits.reduce((sum, { ms }) => sum + ms, 0)
      : cost === undefined
        ? 0
        : Math.max(cost.whole - cost.busy, 0);
  return {
    busy: cost?.busy ?? 0,
    waiting,
    windows: cost instanceof WindowCost ? cost.windows : 0,
    waits,
    sent: link === undefined ? [] : sentOver(link),
    controlBytes,
  };
}

function waitsOf({ waited, buckets, coordinator, theEnd }: WindowCost): Waits[] {
  return Array.from(waited, (ms, index) => ({
    whom: index === coordinator ? FOR_COORDINATOR : index === theEnd ? FOR_THE_END : index,
    ms,
    buckets: Array.from(buckets.subarray(index * WAIT_BUCKETS, (index + 1) * WAIT_BUCKETS)),
  })).filter(({ ms }) => ms > 0);
}

const sentOver = ({ messages, bytes, frames }: RemoteLink): SentTo[] =>
  Array.from(messages, (count, process) => ({
    process,
    messages: count,
    bytes: bytes[process]!,
    frames: frames[process]!,
  })).filter((each) => each.messages > 0);

const readCost = reader(PROCESS_COST);

/** A cost among `processes` processes, or what is wrong with it. */
export const parseProcessCost = (value: unknown, processes: number): ProcessCost | string =>
  readCost(value, { processes });
