import { describe, expect, test } from 'vitest';
import { packControl, unpackControl } from '../../../wire/control/codec.js';
import { parseNotice, type Notice } from '../../../wire/control/notices.js';
import { parseOrder, type Order } from '../../../wire/control/orders.js';

const ORDERS: readonly Order[] = [
  { type: 'peers', processes: [{ hosts: [0, 1], fabric: 'ws://127.0.0.1:1' }] },
  { type: 'prepare', run: 3, spec: { hosts: 2 }, captureDirectory: '' },
  { type: 'begin', run: 3 },
  { type: 'grant', run: 3, grant: { horizon: Infinity, owed: [] }, by: 1, held: 250 },
  { type: 'probe', run: 3, probe: 1 },
  { type: 'taken', run: 3, bytes: 65536 },
  { type: 'collect', run: 3 },
  { type: 'stop' },
];
const NOTICES: readonly Notice[] = [
  { type: 'hello', cluster: 'c', process: 1, ticket: 't', pid: 4711, fabric: 'ws://127.0.0.1:1' },
  { type: 'linked' },
  { type: 'unlinked', process: 1, reason: 'silent' },
  { type: 'prepared', run: 3 },
  { type: 'abandoned', run: 3 },
  { type: 'report', run: 3, report: { next: 5, commit: 5, sent: [] } },
  { type: 'quiet', run: 3, probe: 0, sent: 1, received: 2, idle: true, programsLeft: 0 },
  { type: 'progress', run: 3, now: 2 ** 40, events: 7, packets: 2, notes: [] },
  { type: 'captured', run: 3, host: 1, bytes: Uint8Array.of(10, 13, 13, 10) },
  { type: 'failed', run: 3, host: 1, core: 0, message: 'm', stack: 's' },
  {
    type: 'outcome',
    run: 3,
    outcome: { results: [] },
    cost: {},
    metrics: [],
    blocked: ['host0 core 0 has waited'],
  },
];

describe('control messages', () => {
  test.each(ORDERS)('the order $type arrives as it was sent', (order) => {
    expect(parseOrder(unpackControl(packControl(order)))).toEqual(order);
  });

  test.each(NOTICES)('the notice $type arrives as it was sent', (notice) => {
    expect(parseNotice(unpackControl(packControl(notice)))).toEqual(notice);
  });

  test.each(['', 'node7', 'http://node7:1', 'ws://', 'ws://node7:1/fabric', 'ws://node7:99999'])(
    'a hello whose fabric is at "%s" is refused before others dial it',
    (fabric) => {
      expect(parseNotice({ ...NOTICES[0], fabric })).toBe('notice.fabric: not a ws:// address');
    },
  );

  test('carry typed arrays, 64-bit integers, undefined and Infinity', () => {
    const value = {
      a: Float64Array.of(1.5, -0),
      b: 2n ** 63n,
      c: undefined,
      d: [Infinity, 2 ** 53],
    };
    expect(unpackControl(packControl(value))).toEqual(value);
  });

  /** Every field of every message, once each replaced by something that it cannot be. */
  const spoilt = [...ORDERS, ...NOTICES].flatMap((message) =>
    Object.keys(message)
      .filter((field) => !['spec', 'grant', 'report', 'outcome', 'cost', 'metrics'].includes(field))
      .flatMap((field) =>
        [undefined, null, NaN, -7, 'x'.repeat(2 ** 21), [[]]].map((wrong) => ({
          message,
          field,
          bad: { ...message, [field]: wrong },
        })),
      ),
  );

  test('are refused with the name of the field that is wrong', () => {
    expect(spoilt.length).toBeGreaterThan(100);
    for (const { message, field, bad } of spoilt) {
      const isOrder = (ORDERS as readonly unknown[]).includes(message);
      const parsed = isOrder ? parseOrder(bad) : parseNotice(bad);
      expect(parsed, `${message.type}.${field}`).toBeTypeOf('string');
      expect(parsed).toContain(field);
    }
  });

  test.each([undefined, null, 5, 'stop', [], new Map(), { type: 'constructor' }])(
    '%s is neither order nor notice',
    (value) => {
      expect(parseOrder(value)).toBeTypeOf('string');
      expect(parseNotice(value)).toBeTypeOf('string');
    },
  );
});
