/**
 * RDMA Extended Transport Header: what memory of the responder a WRITE or READ names (IBTA 9.3.3).
 *
 *   0   |                    virtual address, high                     |
 *   4   |                    virtual address, low                      |
 *   8   |                            R_Key                             |
 *   12  |                          DMA length                          |
 */
export const RETH_LENGTH = 16;

const VA_HIGH = 0;
const VA_LOW = 4;
const RKEY = 8;
const DMA_LENGTH = 12;

export interface Reth {
  vaHigh: number;
  vaLow: number;
  rkey: number;
  dmaLength: number;
}

export const newReth = (): Reth => ({ vaHigh: 0, vaLow: 0, rkey: 0, dmaLength: 0 });

export function parseReth(view: DataView, at: number, into: Reth): void {
  into.vaHigh = view.getUint32(at + VA_HIGH);
  into.vaLow = view.getUint32(at + VA_LOW);
  into.rkey = view.getUint32(at + RKEY);
  into.dmaLength = view.getUint32(at + DMA_LENGTH);
}

export function emitReth(view: DataView, at: number, reth: Readonly<Reth>): void {
  view.setUint32(at + VA_HIGH, reth.vaHigh);
  view.setUint32(at + VA_LOW, reth.vaLow);
  view.setUint32(at + RKEY, reth.rkey);
  view.setUint32(at + DMA_LENGTH, reth.dmaLength);
}
