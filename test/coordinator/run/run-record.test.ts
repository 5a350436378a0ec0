import { expect, test } from 'vitest';
import { parseRunRecord, recordMessage } from '../../../coordinator/run/run-record.js';
import type { RunRecord } from '../../../coordinator/run/run.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';

const RECORD: RunRecord = {
  values: [{ latencies: Float64Array.of(1.5, -0, 2 ** 53), none: undefined }, 2n ** 63n, undefined],
  traceHash: '0123456789abcdef',
  virtualNs: 1234.567,
  blocked: ['host1 core 0 has waited to hear from rank 0'],
  counters: [{ host: 1, counts: { tx_packets: 5, ratio: 0.25 }, counted: { ratio: 0.25 } }],
  events: 7,
  packets: 5,
  rounds: 3,
  cost: {
    ...{ rounds: 3, controlBytes: 100, fabricBytes: 200, fabricMessages: 2 },
    processes: [
      {
        ...{ process: 'host0', busy: 1.5, waiting: 2.5, windows: 4 },
        waits: [{ whom: 'host1', ms: 2.5, buckets: [0, 1, 2] }],
        sent: [{ to: 'host1', messages: 2, bytes: 200, frames: 5 }],
      },
    ],
  },
  began: 1000,
  ended: 1250,
};

const arrived = (record: object): unknown => unpackControl(packControl(record));

test('a record arrives as it was, on the clock of whom it arrives at', () => {
  const parsed = parseRunRecord(arrived(recordMessage(RECORD)), 70);
  expect(parsed).toEqual({ ...RECORD, began: -180, ended: 70 });
});

test('a record of a run on one process has no cost', () => {
  const parsed = parseRunRecord(arrived(recordMessage({ ...RECORD, cost: undefined })), 70);
  expect(parsed).toMatchObject({ cost: undefined });
});

test.each([
  'values',
  'traceHash',
  'virtualNs',
  'blocked',
  'counters',
  'events',
  'rounds',
  'cost',
  'wallMs',
])('a record is refused when its %s is wrong', (field) => {
  const message = { ...recordMessage(RECORD), [field]: -1 };
  expect(parseRunRecord(message, 70)).toContain(field);
});
