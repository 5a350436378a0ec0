/**
 * Datagram Extended Transport Header: what a UD packet shows the receiver (IBTA 9.3.2).
 *
 *   0  |                           Q_Key                              |
 *   4  |   reserved8   |                 source QP                     |
 */
export const DETH_LENGTH = 8;

const QKEY = 0;
const RESERVED = 4;
const SOURCE_QP = 5;

export interface Deth {
  qkey: number;
  reserved8: number;
  sourceQp: number;
}

export const newDeth = (): Deth => ({ qkey: 0, reserved8: 0, sourceQp: 0 });

export function parseDeth(view: DataView, at: number, into: Deth): void {
  into.qkey = view.getUint32(at + QKEY);
  into.reserved8 = view.getUint8(at + RESERVED);
  into.sourceQp = (view.getUint8(at + SOURCE_QP) << 16) | view.getUint16(at + SOURCE_QP + 1);
}

export function emitDeth(view: DataView, at: number, deth: Readonly<Deth>): void {
  view.setUint32(at + QKEY, deth.qkey);
  view.setUint8(at + RESERVED, deth.reserved8);
  view.setUint8(at + SOURCE_QP, deth.sourceQp >>> 16);
  view.setUint16(at + SOURCE_QP + 1, deth.sourceQp);
}
