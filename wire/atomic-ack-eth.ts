/**
 * Atomic ACK Extended Transport Header: what the memory held before the atomic (IBTA 9.5.3).
 *
 *   0  |                 original remote data, high                   |
 *   4  |                 original remote data, low                    |
 */
export const ATOMIC_ACK_ETH_LENGTH = 8;

const ORIGINAL_HIGH = 0;
const ORIGINAL_LOW = 4;

export interface AtomicAckEth {
  originalHigh: number;
  originalLow: number;
}

export const newAtomicAckEth = (): AtomicAckEth => ({ originalHigh: 0, originalLow: 0 });

export function parseAtomicAckEth(view: DataView, at: number, into: AtomicAckEth): void {
  into.originalHigh = view.getUint32(at + ORIGINAL_HIGH);
  into.originalLow = view.getUint32(at + ORIGINAL_LOW);
}

export function emitAtomicAckEth(view: DataView, at: number, ack: Readonly<AtomicAckEth>): void {
  view.setUint32(at + ORIGINAL_HIGH, ack.originalHigh);
  view.setUint32(at + ORIGINAL_LOW, ack.originalLow);
}
