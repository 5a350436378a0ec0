import { describe, expect, test } from 'vitest';
import {
  CLIENT_PROTOCOL,
  parseClientReply,
  parseClientRequest,
  printableLines,
  type ClientReply,
  type ClientRequest,
} from '../../../wire/control/client-messages.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';

const REQUESTS: readonly ClientRequest[] = [
  { type: 'hello', protocol: CLIENT_PROTOCOL, version: '0.1.0', node: 'v20.1.0', who: 'ada' },
  { type: 'run', id: 3, name: 'micro/write-lat', run: { seed: 1 } },
  { type: 'cancel', id: 3 },
  { type: 'status' },
];

const REPLIES: readonly ClientReply[] = [
  { type: 'cluster', version: '0.1.0', node: 'v20.1.0', cluster: { hosts: 4 } },
  { type: 'refused', reason: 'r' },
  { type: 'queued', id: 3, before: 2, missing: 1, hosts: 4 },
  { type: 'started', id: 3, pids: [4711, 4712] },
  { type: 'progress', id: 3, now: 2 ** 40, events: 7, packets: 2 },
  { type: 'captured', id: 3, host: 1, bytes: Uint8Array.of(10, 13, 13, 10) },
  { type: 'record', id: 3, record: { values: [] } },
  { type: 'failed', id: 3, message: 'host0: Error\n  at program' },
  { type: 'status', status: {} },
  { type: 'closing', reason: 'r' },
];

const arrived = (message: object): unknown => unpackControl(packControl(message));

describe('messages between a client and its coordinator', () => {
  test.each(REQUESTS)('the request $type arrives as it was sent', (request) => {
    expect(parseClientRequest(arrived(request))).toEqual(request);
  });

  test.each(REPLIES)('the reply $type arrives as it was sent', (reply) => {
    expect(parseClientReply(arrived(reply))).toEqual(reply);
  });

  test('are refused with the name of the field that is wrong', () => {
    const checkedElsewhere = ['run', 'cluster', 'record', 'status'];
    let spoilt = 0;
    for (const message of [...REQUESTS, ...REPLIES]) {
      const parse = (REQUESTS as readonly unknown[]).includes(message)
        ? parseClientRequest
        : parseClientReply;
      for (const field of Object.keys(message).filter((each) => !checkedElsewhere.includes(each))) {
        for (const wrong of [undefined, null, NaN, -7, 'x'.repeat(2 ** 22), [[]]]) {
          const parsed = parse({ ...message, [field]: wrong });
          expect(parsed, `${message.type}.${field}`).toBeTypeOf('string');
          expect(parsed).toContain(field);
          spoilt++;
        }
      }
    }
    expect(spoilt).toBeGreaterThan(150);
  });

  test('of another protocol are understood so far that it can be named', () => {
    expect(parseClientRequest({ type: 'hello', protocol: 'pinwire-client/9', what: 5 })).toEqual({
      ...{ type: 'hello', protocol: 'pinwire-client/9', version: '', node: '', who: '' },
    });
  });

  test('bring no control character to the terminal of the other end', () => {
    const who = 'ada\u001b]0;title\u0007\u202e\n';
    expect(parseClientRequest({ ...REQUESTS[0]!, who })).toMatchObject({ who: 'ada?]0;title???' });
    expect(parseClientReply({ type: 'refused', reason: '\u001b[2J' })).toEqual({
      ...{ type: 'refused', reason: '?[2J' },
    });
    expect(printableLines('Error: \u001b[31mno\n    at program (a.ts:1:2)')).toBe(
      'Error: ?[31mno\n    at program (a.ts:1:2)',
    );
  });
});
