import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../../node/model/fabric/frame.js';
import { FramePool } from '../../../../node/model/fabric/frame-pool.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import {
  headersOf,
  parseHeaders,
  traceUnwritten,
} from '../../../../node/model/fabric/packet-headers.js';
import { beginPacket } from '../../../../node/model/rdma/packet.js';
import { RandomStream } from '../../../../sim/random.js';
import { TraceHash } from '../../../../sim/trace.js';
import {
  EXTENSION,
  EXTENSION_BITS,
  OPCODE,
  type OpcodeName,
} from '../../../../wire/opcode-table.js';
import { Path } from '../../../../wire/path.js';

/** Packets that are made here without bytes: not atomics, nor what no queue pair of ours sends. */
const OPCODES = (Object.keys(OPCODE) as OpcodeName[]).filter(
  (name) =>
    name.startsWith('RC_') &&
    (EXTENSION_BITS[OPCODE[name]]! & ~(EXTENSION.reth | EXTENSION.aeth | EXTENSION.immediate)) ===
      0,
);

/** A packet with random values in every header field that its opcode has. */
function randomPacket(random: RandomStream, pool: FramePool, opcode: number): FrameSlot {
  const path = new Path(random.below(512), random.below(512), random.below(2 ** 24), 0x11);
  const payload = random.below(4) * 256 + random.below(5);
  const [ackReq, solicited] = [random.below(2) === 1, random.below(2) === 1];
  const [qp, psn] = [random.below(2 ** 24), random.below(2 ** 24)];
  const slot = beginPacket(pool, path, opcode, qp, psn, payload, ackReq, solicited);
  const frame = pool.frames[slot]!;
  frame.vaHigh = random.word();
  frame.vaLow = random.word();
  frame.rkey = random.word();
  frame.dmaLength = random.word();
  frame.syndrome = random.below(256);
  frame.msn = random.below(2 ** 24);
  frame.immediate = random.word();
  return slot;
}

/** The header fields that a packet with these extension headers has, by name. */
const fieldsOf = (frame: Frame, bits: number): Record<string, unknown> => ({
  opcode: frame.opcode,
  destQp: frame.destQp,
  psn: frame.psn,
  ackReq: frame.ackReq,
  solicited: frame.solicited,
  payloadLength: frame.payloadLength,
  ...((bits & EXTENSION.reth) !== 0 && {
    va: [frame.vaHigh, frame.vaLow],
    rkey: frame.rkey,
    dmaLength: frame.dmaLength,
  }),
  ...((bits & EXTENSION.aeth) !== 0 && { syndrome: frame.syndrome, msn: frame.msn }),
  ...((bits & EXTENSION.immediate) !== 0 && { immediate: frame.immediate }),
});

function forget(frame: Frame): void {
  frame.opcode = frame.destQp = frame.psn = frame.ackReq = frame.solicited = -1;
  frame.payloadLength = frame.vaHigh = frame.vaLow = frame.rkey = frame.dmaLength = -1;
  frame.syndrome = frame.msn = frame.immediate = -1;
}

describe('the headers of a packet', () => {
  it('are there for requests and responses of every kind', () => {
    expect(OPCODES.length).toBeGreaterThan(14);
  });

  it.each(OPCODES)('of %s are the same as fields and as bytes', (name) => {
    const opcode = OPCODE[name];
    const bits = EXTENSION_BITS[opcode]!;
    const random = new RandomStream(3, `headers ${opcode}`);
    const pool = new FramePool(1024, 16);
    for (let round = 0; round < 50; round++) {
      const slot = randomPacket(random, pool, opcode);
      const frame = pool.frames[slot]!;
      const before = fieldsOf(frame, bits);
      const fields = new TraceHash();
      const now = random.word() * 2 ** 12;
      frame.source = random.below(512);
      frame.time = now;
      traceUnwritten(fields, frame);
      // Whatever was in the slot is overwritten, but for the payload.
      pool.bytes.fill(0xa5, frame.start, frame.start + frame.length);
      pool.writeOut(slot);
      const bytes = new TraceHash();
      bytes.number(now);
      bytes.word(frame.source);
      bytes.word(frame.length);
      bytes.bytes(pool.view, frame.start, headersOf(opcode));
      expect(fields.digest()).toBe(bytes.digest());
      const end = pool.payloadAt(slot) + frame.payloadLength;
      expect(pool.bytes.slice(end, frame.start + frame.length).every((byte) => byte === 0)).toBe(
        true,
      );
      forget(frame);
      expect(parseHeaders(frame, pool.view)).toBe(true);
      expect(fieldsOf(frame, bits)).toEqual(before);
      pool.release(slot);
    }
  });

  it('are written once, however often somebody looks', () => {
    const pool = new FramePool(1024, 16);
    const slot = randomPacket(new RandomStream(4, 'once'), pool, OPCODE.RC_ACK);
    const frame = pool.frames[slot]!;
    pool.writeOut(slot);
    pool.bytes[frame.start + 30]! ^= 0xff;
    const changed = pool.bytes[frame.start + 30];
    pool.writeOut(slot);
    expect(pool.bytes[frame.start + 30]).toBe(changed);
  });
});
