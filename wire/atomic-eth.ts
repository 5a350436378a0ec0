/**
 * Atomic Extended Transport Header: 8 bytes of the responder, and the operands (IBTA 9.3.4).
 *
 *   0   |                    virtual address, high                     |
 *   4   |                    virtual address, low                      |
 *   8   |                            R_Key                             |
 *   12  |                  swap or add data, high                      |
 *   16  |                  swap or add data, low                       |
 *   20  |                     compare data, high                       |
 *   24  |                     compare data, low                        |
 */
export const ATOMIC_ETH_LENGTH = 28;

const VA_HIGH = 0;
const VA_LOW = 4;
const RKEY = 8;
const SWAP_HIGH = 12;
const SWAP_LOW = 16;
const COMPARE_HIGH = 20;
const COMPARE_LOW = 24;

/** `swap` is the number to add in a FETCH_ADD, which ignores `compare`. */
export interface AtomicEth {
  vaHigh: number;
  vaLow: number;
  rkey: number;
  swapHigh: number;
  swapLow: number;
  compareHigh: number;
  compareLow: number;
}

export const newAtomicEth = (): AtomicEth => ({
  vaHigh: 0,
  vaLow: 0,
  rkey: 0,
  swapHigh: 0,
  swapLow: 0,
  compareHigh: 0,
  compareLow: 0,
});

export function parseAtomicEth(view: DataView, at: number, into: AtomicEth): void {
  into.vaHigh = view.getUint32(at + VA_HIGH);
  into.vaLow = view.getUint32(at + VA_LOW);
  into.rkey = view.getUint32(at + RKEY);
  into.swapHigh = view.getUint32(at + SWAP_HIGH);
  into.swapLow = view.getUint32(at + SWAP_LOW);
  into.compareHigh = view.getUint32(at + COMPARE_HIGH);
  into.compareLow = view.getUint32(at + COMPARE_LOW);
}

export function emitAtomicEth(view: DataView, at: number, atomicEth: Readonly<AtomicEth>): void {
  view.setUint32(at + VA_HIGH, atomicEth.vaHigh);
  view.setUint32(at + VA_LOW, atomicEth.vaLow);
  view.setUint32(at + RKEY, atomicEth.rkey);
  view.setUint32(at + SWAP_HIGH, atomicEth.swapHigh);
  view.setUint32(at + SWAP_LOW, atomicEth.swapLow);
  view.setUint32(at + COMPARE_HIGH, atomicEth.compareHigh);
  view.setUint32(at + COMPARE_LOW, atomicEth.compareLow);
}
