/**
 * Base Transport Header: the first header of every InfiniBand and RoCE packet (IBTA 9.2).
 *
 *       0               1               2               3
 *   0  |    opcode     |S|M|pad| tver  |            pkey               |
 *   4  |F|B| reserved6 |                 destination QP                |
 *   8  |A|  reserved7  |                      PSN                      |
 *
 *   S solicited event, M migration request, F forward and B backward congestion, A acknowledge request.
 */
export const BTH_LENGTH = 12;

const OPCODE = 0;
const FLAGS = 1;
const PKEY = 2;
const CONGESTION = 4;
const DEST_QP = 5;
const ACK_REQ = 8;
const PSN = 9;

/** The only transport header version there is. */
export const TVER = 0;
export const DEFAULT_PKEY = 0xffff;

/** One-bit fields are 0 or 1; reserved bits are kept as read. */
export interface Bth {
  opcode: number;
  solicited: number;
  migReq: number;
  padCount: number;
  tver: number;
  pkey: number;
  fecn: number;
  becn: number;
  reserved6: number;
  destQp: number;
  ackReq: number;
  reserved7: number;
  psn: number;
}

export const newBth = (): Bth => ({
  opcode: 0,
  solicited: 0,
  migReq: 0,
  padCount: 0,
  tver: TVER,
  pkey: DEFAULT_PKEY,
  fecn: 0,
  becn: 0,
  reserved6: 0,
  destQp: 0,
  ackReq: 0,
  reserved7: 0,
  psn: 0,
});

const PARTITION = 0x7fff;
const FULL_MEMBER = 0x8000;

/** Whether members of a partition with these keys talk: one of the two is a full member (IBTA 10.9.3). */
export const pkeysMatch = (one: number, other: number): boolean =>
  (one & PARTITION) !== 0 &&
  (one & PARTITION) === (other & PARTITION) &&
  ((one | other) & FULL_MEMBER) !== 0;

export function parseBth(view: DataView, at: number, into: Bth): void {
  const flags = view.getUint8(at + FLAGS);
  const congestion = view.getUint8(at + CONGESTION);
  const acknowledge = view.getUint8(at + ACK_REQ);
  into.opcode = view.getUint8(at + OPCODE);
  into.solicited = flags >>> 7;
  into.migReq = (flags >>> 6) & 1;
  into.padCount = (flags >>> 4) & 3;
  into.tver = flags & 0xf;
  into.pkey = view.getUint16(at + PKEY);
  into.fecn = congestion >>> 7;
  into.becn = (congestion >>> 6) & 1;
  into.reserved6 = congestion & 0x3f;
  into.destQp = (view.getUint8(at + DEST_QP) << 16) | view.getUint16(at + DEST_QP + 1);
  into.ackReq = acknowledge >>> 7;
  into.reserved7 = acknowledge & 0x7f;
  into.psn = (view.getUint8(at + PSN) << 16) | view.getUint16(at + PSN + 1);
}

export function emitBth(view: DataView, at: number, bth: Readonly<Bth>): void {
  view.setUint8(at + OPCODE, bth.opcode);
  view.setUint8(
    at + FLAGS,
    (bth.solicited << 7) | (bth.migReq << 6) | (bth.padCount << 4) | bth.tver,
  );
  view.setUint16(at + PKEY, bth.pkey);
  view.setUint8(at + CONGESTION, (bth.fecn << 7) | (bth.becn << 6) | bth.reserved6);
  view.setUint8(at + DEST_QP, bth.destQp >>> 16);
  view.setUint16(at + DEST_QP + 1, bth.destQp);
  view.setUint8(at + ACK_REQ, (bth.ackReq << 7) | bth.reserved7);
  view.setUint8(at + PSN, bth.psn >>> 16);
  view.setUint16(at + PSN + 1, bth.psn);
}
