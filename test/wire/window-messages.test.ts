import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { WindowGrant, WindowReport } from '../../sim/window.js';
import { parseGrant, parseReport } from '../../wire/control/window-messages.js';

const baton = { next: [5, Infinity, 2 ** 52], commit: [6, Infinity, 2 ** 52], hops: 4 };
const report: WindowReport = {
  next: 5000,
  commit: 2 ** 53 - 1,
  sent: [{ to: 2, count: 3, least: 4000 }],
  baton,
};
const grant: WindowGrant = { horizon: Infinity, owed: [{ from: 1, count: 7 }], baton };

describe('window messages', () => {
  test('survive the wire whole, "never" and times beyond 32 bits included', () => {
    const parsedReport: WindowReport | string = parseReport(unpack(pack(report)), 3);
    const parsedGrant: WindowGrant | string = parseGrant(unpack(pack(grant)), 3);
    expect(parsedReport).toEqual(report);
    expect(parsedGrant).toEqual(grant);
    const idle = { next: Infinity, commit: Infinity, sent: [] };
    expect(parseReport(unpack(pack(idle)), 3)).toEqual(idle);
  });

  const sent = (fields: object): object => ({
    ...report,
    sent: [{ to: 2, count: 3, least: 4000, ...fields }],
  });
  const owed = (fields: object): object => ({ ...grant, owed: [{ from: 1, count: 7, ...fields }] });
  for (const [wrong, value] of [
    ['report: not an object', null],
    ['report: not an object', [5]],
    ['report.next: -1', { ...report, next: -1 }],
    ['report.next: 0.5', { ...report, next: 0.5 }],
    ['report.next: NaN', { ...report, next: NaN }],
    ['report.next: undefined', { ...report, next: undefined }],
    ['report.next: 9007199254740992', { ...report, next: 2 ** 53 }],
    ['report.commit: 4999', { ...report, commit: 4999 }],
    ['report.commit: 5000', { ...report, commit: '5000' }],
    ['report.sent: an object or list', { ...report, sent: {} }],
    ['report.sent: an object or list', { ...report, sent: [1, 2, 3, 4] }],
    ['report.sent: 1', { ...report, sent: [1] }],
    ['report.sent.to: 3', sent({ to: 3 })],
    ['report.sent.to: -1', sent({ to: -1 })],
    ['report.sent.count: 0', sent({ count: 0 })],
    ['report.sent.least: Infinity', sent({ least: Infinity })],
    ['report.baton: yes', { ...report, baton: 'yes' }],
    ['report.baton.next: an object or list', { ...report, baton: { ...baton, next: [1, 2] } }],
    [
      'report.baton.commit: an object or list',
      { ...report, baton: { ...baton, commit: [1, 2, -3] } },
    ],
    ['report.baton.hops: Infinity', { ...report, baton: { ...baton, hops: Infinity } }],
  ] as const) {
    test(`refuse a report: ${wrong}, as in ${JSON.stringify(value)}`, () => {
      expect(parseReport(value, 3)).toBe(wrong);
    });
  }

  for (const [wrong, value] of [
    ['grant: not an object', 'grant'],
    ['grant.horizon: -5', { ...grant, horizon: -5 }],
    ['grant.owed: undefined', { horizon: 5 }],
    ['grant.owed: null', { horizon: 5, owed: [null] }],
    ['grant.owed.from: 3', owed({ from: 3 })],
    ['grant.owed.count: 1.5', owed({ count: 1.5 })],
    ['grant.baton.hops: -1', { ...grant, baton: { ...baton, hops: -1 } }],
  ] as const) {
    test(`refuse a grant: ${wrong}, as in ${JSON.stringify(value)}`, () => {
      expect(parseGrant(value, 3)).toBe(wrong);
    });
  }
});
