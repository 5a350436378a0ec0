/**
 * What a run cost one process in wall time and in bytes sent, as it travels to the coordinator with the outcome. None of
 * it is part of the results: it differs from run to run.
 */
import { FieldReader } from '../../wire/control/field-reader.js';
import type { FreeCost } from '../links/free-runner.js';
import type { RemoteLink } from '../links/remote-link.js';
import { WAIT_BUCKETS, WindowCost } from '../links/window-cost.js';

/** For whom a process waited, beside other processes (by number). */
export const FOR_COORDINATOR = -1;
export const FOR_THE_END = -2;

export interface Waits {
  /** A process, or {@link FOR_COORDINATOR}, or {@link FOR_THE_END}. */
  readonly whom: number;
  readonly ms: number;
  /** How many waits of which length; see {@link WAIT_BUCKETS}. */
  readonly buckets: readonly number[];
}

/** What went to one other process. */
export interface SentTo {
  readonly process: number;
  readonly messages: number;
  readonly bytes: number;
  readonly frames: number;
}

export interface ProcessCost {
  /** In ms: simulating; and waiting, for anything at all. */
  readonly busy: number;
  readonly waiting: number;
  readonly windows: number;
  /** By whom, where windows are what it waits for. */
  readonly waits: readonly Waits[];
  readonly sent: readonly SentTo[];
  /** Control messages, both ways. */
  readonly controlBytes: number;
}

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

/** A cost among `processes` processes, or what is wrong with it. */
export function parseProcessCost(value: unknown, processes: number): ProcessCost | string {
  const fields = new FieldReader('cost', value);
  const cost = {
    busy: fields.number('busy', 0, Number.MAX_SAFE_INTEGER),
    waiting: fields.number('waiting', 0, Number.MAX_SAFE_INTEGER),
    windows: fields.whole('windows'),
    waits: fields.list('waits', processes + 2, (each) => parseWaits(each, processes)),
    sent: fields.list('sent', processes, (each) => parseSent(each, processes)),
    controlBytes: fields.whole('controlBytes'),
  };
  return fields.problem ?? cost;
}

function parseWaits(value: unknown, processes: number): Waits | string {
  const fields = new FieldReader('waits', value);
  const waits = {
    whom: fields.whole('whom', FOR_THE_END, processes - 1),
    ms: fields.number('ms', 0, Number.MAX_SAFE_INTEGER),
    buckets: fields.list('buckets', WAIT_BUCKETS, (count) =>
      Number.isSafeInteger(count) && Number(count) >= 0 ? Number(count) : 'not a count',
    ),
  };
  if (waits.buckets.length !== WAIT_BUCKETS)
    fields.problem ??= `waits.buckets: not ${WAIT_BUCKETS}`;
  return fields.problem ?? waits;
}

function parseSent(value: unknown, processes: number): SentTo | string {
  const fields = new FieldReader('sent', value);
  const sent = {
    process: fields.whole('process', 0, processes - 1),
    messages: fields.whole('messages'),
    bytes: fields.whole('bytes'),
    frames: fields.whole('frames'),
  };
  return fields.problem ?? sent;
}
