/** A run's record as it travels to the client that asked for the run. */
import { MAX_CORES, MAX_HOSTS } from '../../units/elements.js';
import {
  anything,
  dictionary,
  list,
  number,
  optional,
  printableText,
  reader,
  record,
  text,
  whole,
} from '../../wire/control/shape.js';
import { RUN_COST } from './run-cost.js';
import type { RunRecord } from './run.js';

/** Instants of the coordinator's clock mean nothing elsewhere: the length between them travels. */
export const recordMessage = (record: RunRecord): object => ({
  values: record.values,
  traceHash: record.traceHash,
  virtualNs: record.virtualNs,
  blocked: record.blocked,
  counters: record.counters,
  events: record.events,
  packets: record.packets,
  rounds: record.rounds,
  cost: record.cost,
  wallMs: record.ended - record.began,
});

const RECORD = record('record', {
  wallMs: number(0, Number.MAX_SAFE_INTEGER),
  values: list(MAX_HOSTS * MAX_CORES, anything),
  traceHash: text(64),
  blocked: list(MAX_HOSTS * MAX_CORES, printableText(400)),
  virtualNs: number(0, Number.MAX_SAFE_INTEGER),
  counters: list(
    MAX_HOSTS,
    record('counters', {
      host: whole(0, MAX_HOSTS - 1),
      counts: dictionary((count): count is number => Number.isFinite(count)),
      counted: dictionary((count): count is number => Number.isFinite(count)),
    }),
  ),
  events: whole(),
  packets: whole(),
  rounds: whole(),
  cost: optional(RUN_COST),
});

const readRecord = reader(RECORD);

/** The record, whose last virtual instant is put at `now` of the reader's clock; or what is wrong with it. */
export function parseRunRecord(value: unknown, now: number): RunRecord | string {
  const found = readRecord(value);
  if (typeof found === 'string') return found;
  const { wallMs, cost, ...rest } = found;
  return { ...rest, cost, began: now - wallMs, ended: now };
}
