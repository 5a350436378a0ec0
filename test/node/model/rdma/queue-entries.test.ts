/** WQEs and CQEs as bytes: every field where the file's head has it, and back, at the limits of each. */
import { describe, expect, it } from 'vitest';
import {
  consumedOf,
  CQ_RECORD_SIZE,
  CQE_SIZE,
  emitCompletionEntry,
  newCompletionEntry,
  parseCompletionEntry,
  producedOf,
  setConsumed,
  setOverrun,
  setProduced,
  wasOverrun,
} from '../../../../node/model/rdma/completion-entry.js';
import {
  emitAtomicOperands,
  emitReceiveEntry,
  emitSendEntry,
  emitSge,
  hasInlineRoom,
  hasSgeRoom,
  inlineDataAt,
  newAtomicOperands,
  newReceiveEntry,
  newSendEntry,
  newSgeEntry,
  parseAtomicOperands,
  parseReceiveEntry,
  parseSendEntry,
  parseSge,
  receiveEntrySize,
  receiveSgeAt,
  SEND_OPCODE,
  sendEntrySize,
  sendSgeAt,
  WQE_BLOCK,
} from '../../../../node/model/rdma/work-queue-entry.js';

const U8 = [0, 1, 0xff];
const U16 = [0, 1, 0xffff];
const U32 = [0, 1, 2 ** 31, 2 ** 32 - 1];
const U64 = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, -1, 1 - 2 ** 53];

/** Somewhere in a memory that holds other things. */
const AT = 128;
const memory = (): DataView => new DataView(new Uint8Array(512).fill(0xa5).buffer);

const hex = (view: DataView, from: number, to: number): string =>
  Buffer.from(view.buffer, from, to - from).toString('hex');

/** Records whose fields take their limits in turn, each at a pace of its own. */
function* records<K extends string>(
  limits: Readonly<Record<K, readonly number[]>>,
): Generator<Record<K, number>> {
  const fields = Object.entries(limits) as [K, readonly number[]][];
  for (let turn = 0; turn < 24; turn++) {
    const values = fields.map(([name, each], place) => [
      name,
      each[(turn + place * 5) % each.length]!,
    ]);
    yield Object.fromEntries(values) as Record<K, number>;
  }
}

const SEND_LIMITS = {
  flags: U8,
  sgeCount: U16,
  length: U32,
  wrId: U64,
  immediate: U32,
  rkey: U32,
  remoteAddress: U64,
};

describe('a send entry', () => {
  it.each(Object.entries(SEND_OPCODE))('of a %s is read as it was written', (_name, opcode) => {
    for (const rest of records(SEND_LIMITS)) {
      const view = memory();
      const entry = { opcode, ...rest };
      const read = newSendEntry();
      emitSendEntry(view, AT, entry);
      parseSendEntry(view, AT, read);
      expect(read).toEqual(entry);
      expect(hex(view, AT - 8, AT) + hex(view, AT + 32, AT + 40)).toBe('a5'.repeat(16));
    }
  });

  it('has its fields in little-endian order where a C program looks for them', () => {
    const view = memory();
    emitSendEntry(view, AT, {
      opcode: 0x01,
      flags: 0x02,
      sgeCount: 0x0403,
      length: 0x08070605,
      wrId: 0x0f0e0d0c0b0a,
      immediate: 0x14131211,
      rkey: 0x18171615,
      remoteAddress: 0x1e1d1c1b1a19,
    });
    expect(hex(view, AT, AT + 32)).toBe(
      '01020304050607080a0b0c0d0e0f00001112131415161718191a1b1c1d1e0000',
    );
  });

  it.each(['ATOMIC_CMP_AND_SWP', 'ATOMIC_FETCH_AND_ADD'])(
    'of an %s has operands of 64 bits each, which nothing rounds',
    () => {
      const limits = { compareLow: U32, compareHigh: U32, swapLow: U32, swapHigh: U32 };
      for (const operands of records(limits)) {
        const view = memory();
        const read = newAtomicOperands();
        emitAtomicOperands(view, AT, operands);
        parseAtomicOperands(view, AT, read);
        expect(read).toEqual(operands);
        const { compareLow, compareHigh } = operands;
        const compare = (BigInt(compareHigh) << 32n) | BigInt(compareLow);
        expect(view.getBigUint64(AT + 32, true)).toBe(compare);
      }
    },
  );

  it('has room behind its head for as many SGEs, or as much inline data, as it was made for', () => {
    for (const sges of [1, 2, 4, 5, 30]) {
      for (const inline of [0, 1, 64, 65, 220]) {
        const size = sendEntrySize(sges, inline);
        expect(size % WQE_BLOCK).toBe(0);
        expect(hasSgeRoom(size, sges) && hasInlineRoom(size, inline)).toBe(true);
        expect(sendSgeAt(AT, sges)).toBeLessThanOrEqual(AT + size);
        expect(hasInlineRoom(size, size - inlineDataAt(0) + 1)).toBe(false);
        expect(hasSgeRoom(size, (size - inlineDataAt(0)) / 16 + 1)).toBe(false);
      }
    }
  });
});

describe('a receive entry', () => {
  it('is read as it was written', () => {
    for (const entry of records({ wrId: U64, sgeCount: U32 })) {
      const view = memory();
      const read = newReceiveEntry();
      emitReceiveEntry(view, AT, entry);
      parseReceiveEntry(view, AT, read);
      expect(read).toEqual(entry);
      expect(hex(view, AT + 12, receiveSgeAt(AT, 1))).toBe('a5'.repeat(20));
    }
  });

  it('has room for the SGEs it was made for', () => {
    for (const sges of [1, 3, 4, 30]) {
      expect(receiveEntrySize(sges) % WQE_BLOCK).toBe(0);
      expect(receiveSgeAt(0, sges)).toBeLessThanOrEqual(receiveEntrySize(sges));
    }
  });
});

describe('an SGE', () => {
  it.each([
    ['send', sendSgeAt],
    ['receive', receiveSgeAt],
  ])('of a %s entry is read as it was written, and touches no neighbour', (_kind, place) => {
    for (const sge of records({ address: U64, length: U32, lkey: U32 })) {
      const view = memory();
      const read = newSgeEntry();
      emitSge(view, place(AT, 1), sge);
      parseSge(view, place(AT, 1), read);
      expect(read).toEqual(sge);
      const [before, behind] = [place(AT, 0), place(AT, 2)];
      expect(hex(view, before, place(AT, 1)) + hex(view, behind, behind + 16)).toBe(
        'a5'.repeat(32),
      );
    }
  });
});

describe('a completion entry', () => {
  const LIMITS = {
    wrId: U64,
    status: U32,
    opcode: U32,
    byteLen: U32,
    immediate: U32,
    qpNum: U32,
    vendorErr: U32,
    flags: U32,
    wqeCounter: U32,
    visible: U64,
  };

  it('is read as it was written, and is no longer than its slot', () => {
    for (const entry of records(LIMITS)) {
      const view = memory();
      const read = newCompletionEntry();
      emitCompletionEntry(view, AT, entry);
      parseCompletionEntry(view, AT, read);
      expect(read).toEqual(entry);
      expect(hex(view, AT - 8, AT) + hex(view, AT + CQE_SIZE, AT + CQE_SIZE + 8)).toBe(
        'a5'.repeat(16),
      );
    }
  });

  it('has its fields in little-endian order where a C program looks for them', () => {
    const view = memory();
    emitCompletionEntry(view, AT, {
      wrId: 0x060504030201,
      status: 0x0c0b0a09,
      opcode: 0x100f0e0d,
      byteLen: 0x14131211,
      immediate: 0x18171615,
      qpNum: 0x1c1b1a19,
      vendorErr: 0x201f1e1d,
      flags: 0x24232221,
      wqeCounter: 0x28272625,
      visible: 0x2e2d2c2b2a29,
    });
    const bytes = Array.from({ length: 48 }, (_, at) => (at % 64) + 1);
    for (const at of [6, 7, 46, 47]) bytes[at] = 0;
    expect(hex(view, AT, AT + 48)).toBe(Buffer.from(bytes).toString('hex'));
  });
});

describe('a completion queue’s record', () => {
  it('has a word for each of its writers', () => {
    for (const count of U32) {
      const view = new DataView(new ArrayBuffer(CQ_RECORD_SIZE));
      setProduced(view, 0, count);
      expect([producedOf(view, 0), consumedOf(view, 0), wasOverrun(view, 0)]).toEqual([
        count,
        0,
        false,
      ]);
      setConsumed(view, 0, 7);
      setOverrun(view, 0);
      expect([producedOf(view, 0), consumedOf(view, 0), wasOverrun(view, 0)]).toEqual([
        count,
        7,
        true,
      ]);
    }
  });
});
