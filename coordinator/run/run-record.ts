/** A run's record as it travels to the client that asked for the run. */
import { FieldReader } from '../../wire/control/field-reader.js';
import { MAX_CORES, MAX_HOSTS } from '../../sim/sequencer.js';
import { printable } from '../../wire/control/client-messages.js';
import type { RunCost } from './run-cost.js';
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

/** The record, whose last virtual instant is put at `now` of the reader's clock; or what is wrong with it. */
export function parseRunRecord(value: unknown, now: number): RunRecord | string {
  const fields = new FieldReader('record', value);
  const wallMs = fields.number('wallMs', 0, Number.MAX_SAFE_INTEGER);
  const values = fields.any('values');
  const record: RunRecord = {
    values: Array.isArray(values) && values.length <= MAX_HOSTS * MAX_CORES ? values : [],
    traceHash: fields.text('traceHash', 64),
    virtualNs: fields.number('virtualNs', 0, Number.MAX_SAFE_INTEGER),
    blocked: fields
      .list('blocked', MAX_HOSTS * MAX_CORES, (line) =>
        typeof line === 'string' ? { line: printable(line.slice(0, 400)) } : 'not a text',
      )
      .map(({ line }) => line),
    counters: fields.list('counters', MAX_HOSTS, parseCounters),
    events: fields.whole('events'),
    packets: fields.whole('packets'),
    rounds: fields.whole('rounds'),
    cost: fields.any('cost') === undefined ? undefined : fields.parsed('cost', parseCost),
    began: now - wallMs,
    ended: now,
  };
  if (values !== record.values) fields.problem ??= 'record.values: expected a list';
  return fields.problem ?? record;
}

function parseCounters(value: unknown): RunRecord['counters'][number] | string {
  const fields = new FieldReader('counters', value);
  const counters = {
    host: fields.whole('host', 0, MAX_HOSTS - 1),
    counts: fields.record(
      'counts',
      (each): each is number => typeof each === 'number' && Number.isFinite(each),
    ),
  };
  return fields.problem ?? counters;
}

function parseCost(value: unknown): RunCost | string {
  const fields = new FieldReader('cost', value);
  const cost = {
    rounds: fields.whole('rounds'),
    controlBytes: fields.whole('controlBytes'),
    fabricBytes: fields.whole('fabricBytes'),
    fabricMessages: fields.whole('fabricMessages'),
    processes: fields.list('processes', MAX_HOSTS, parseShare),
  };
  return fields.problem ?? cost;
}

function parseShare(value: unknown): RunCost['processes'][number] | string {
  const fields = new FieldReader('process', value);
  const share = {
    process: printable(fields.text('process', 64)),
    busy: fields.number('busy'),
    waiting: fields.number('waiting'),
    windows: fields.whole('windows'),
    waits: fields.list('waits', 2 * MAX_HOSTS, (each) => {
      const waits = new FieldReader('waits', each);
      const parsed = {
        whom: printable(waits.text('whom', 64)),
        ms: waits.number('ms'),
        buckets: waits.list('buckets', 256, (count) =>
          Number.isSafeInteger(count) ? Number(count) : 'no count',
        ),
      };
      return waits.problem ?? parsed;
    }),
    sent: fields.list('sent', MAX_HOSTS, (each) => {
      const sent = new FieldReader('sent', each);
      const parsed = {
        to: printable(sent.text('to', 64)),
        messages: sent.whole('messages'),
        bytes: sent.whole('bytes'),
        frames: sent.whole('frames'),
      };
      return sent.problem ?? parsed;
    }),
  };
  return fields.problem ?? share;
}
