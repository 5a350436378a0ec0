import { describe, expect, it } from 'vitest';
import { instant, PS_PER_S } from '../../../../units/time.js';
import {
  emitLoginAccepted,
  emitLoginRequest,
  emitSoupHeader,
  LOGIN_REQUEST,
  parseLoginAccepted,
  parseLoginRequest,
  SEQUENCED,
  SERVER_HEARTBEAT,
  SoupReader,
  SoupSession,
  UNSEQUENCED,
} from '../../../../workloads/trading/wire-formats/soupbin.js';
import { seeded } from './messages.js';

const LOGIN = { username: 'pin', password: 'wire', session: '', sequence: 1 };

/** What a reader hands over, as text. */
function reader(): [SoupReader, string[]] {
  const packets: string[] = [];
  const soup = new SoupReader((type, bytes, at, end) => {
    packets.push(
      String.fromCharCode(type) + Buffer.from(bytes.subarray(at, end)).toString('latin1'),
    );
  });
  return [soup, packets];
}

describe('SoupBinTCP', () => {
  it('frames a heartbeat as 00 01 48', () => {
    const into = new Uint8Array(3);
    expect(emitSoupHeader(SERVER_HEARTBEAT, 0, into, 0)).toBe(3);
    expect([...into]).toEqual([0, 1, 0x48]);
  });

  it('logs in with numbers as text on the right', () => {
    const into = new Uint8Array(64).fill(0xa5);
    expect(emitLoginRequest(LOGIN, into, 0)).toBe(49);
    expect(Buffer.from(into.subarray(0, 49)).toString('latin1')).toBe(
      '\0\x2fL' + 'pin   ' + 'wire      ' + ' '.repeat(10) + '1'.padStart(20),
    );
    expect(into[49]).toBe(0xa5);
    expect(parseLoginRequest(into, 3, 49)).toEqual(LOGIN);
    expect(parseLoginRequest(into, 3, 48)).toBeUndefined();
    into[48] = 0x78;
    expect(parseLoginRequest(into, 3, 49)).toBeUndefined();
  });

  it('accepts a login with the number of the next packet', () => {
    const into = new Uint8Array(40).fill(0xa5);
    const accepted = { session: 'S1', sequence: 77 };
    expect(emitLoginAccepted(accepted, into, 0)).toBe(33);
    expect([...into.subarray(0, 3)]).toEqual([0, 31, 0x41]);
    expect(parseLoginAccepted(into, 3, 33)).toEqual(accepted);
    into.fill(0x39, 13, 33);
    expect(parseLoginAccepted(into, 3, 33)).toBeUndefined();
  });

  it('takes a stream apart however it is cut', () => {
    const random = seeded(4);
    for (let round = 0; round < 200; round++) {
      const wanted: string[] = [];
      const stream: number[] = [];
      for (let i = 0; i < 20; i++) {
        const payload = Array.from({ length: Math.floor(random() * 90) }, () => 0x61 + (i % 26));
        const head = new Uint8Array(3);
        emitSoupHeader(i % 2 === 0 ? SEQUENCED : UNSEQUENCED, payload.length, head, 0);
        stream.push(...head, ...payload);
        wanted.push((i % 2 === 0 ? 'S' : 'U') + String.fromCharCode(...payload));
      }
      const [soup, packets] = reader();
      const bytes = Uint8Array.from(stream);
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 200));
        expect(soup.read(bytes, at, end)).toBe(true);
        at = end;
      }
      expect(packets).toEqual(wanted);
    }
  });

  it('takes packets longer than it has room for', () => {
    const [soup, packets] = reader();
    const bytes = new Uint8Array(3 + 60_000).fill(0x7a);
    emitSoupHeader(SEQUENCED, 60_000, bytes, 0);
    soup.read(bytes, 0, bytes.length);
    expect(packets).toEqual(['S' + 'z'.repeat(60_000)]);
  });

  it('stops at a packet without a type', () => {
    const [soup, packets] = reader();
    const bytes = Uint8Array.of(0, 1, LOGIN_REQUEST, 0, 0, 0, 1, LOGIN_REQUEST);
    expect(soup.read(bytes, 0, bytes.length)).toBe(false);
    expect(packets).toEqual(['L']);
  });

  it('counts sequenced packets, and tells when to be heard and when the other is gone', () => {
    const seconds = (value: number) => instant(value * PS_PER_S);
    const session = new SoupSession(5, seconds(0));
    expect(session.owesHeartbeat(seconds(0.9))).toBe(false);
    expect(session.owesHeartbeat(seconds(1))).toBe(true);
    session.sent(SERVER_HEARTBEAT, seconds(1));
    session.sent(SEQUENCED, seconds(1.5));
    expect(session.sequence).toBe(6);
    expect(session.owesHeartbeat(seconds(2))).toBe(false);
    session.heard(UNSEQUENCED, seconds(3));
    expect(session.sequence).toBe(6);
    expect(session.peerIsGone(seconds(17.9))).toBe(false);
    expect(session.peerIsGone(seconds(18))).toBe(true);
  });
});
