/**
 * Receive side scaling's hash, written as its definition reads: for every bit of the input that is set, the 32 bits of
 * the key that begin there are added without carry. So a program can tell beforehand which queue a flow will come to,
 * and a verification need not take the NIC's word.
 */

/** Microsoft's key, which the device begins with (`ethtool -x` shows a device's). */
const KEY: readonly number[] = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
  0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
  0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

const bitOf = (bytes: ArrayLike<number>, bit: number): number =>
  (bytes[bit >>> 3]! >>> (7 - (bit & 7))) & 1;

/** Of the bytes of the input: source and destination address, source and destination port, in network order. */
export function toeplitz(input: ArrayLike<number>, key: ArrayLike<number> = KEY): number {
  let window = 0;
  for (let bit = 0; bit < 32; bit++) window = (window << 1) | bitOf(key, bit);
  let hash = 0;
  for (let bit = 0; bit < 8 * input.length; bit++) {
    if (bitOf(input, bit) === 1) hash ^= window;
    window = (window << 1) | bitOf(key, bit + 32);
  }
  return hash >>> 0;
}

/** The hash of a datagram between two IPv4 addresses, four bytes each. */
export const flowHash = (
  source: ArrayLike<number>,
  destination: ArrayLike<number>,
  sourcePort: number,
  destinationPort: number,
): number =>
  toeplitz([
    ...Array.from(source),
    ...Array.from(destination),
    sourcePort >>> 8,
    sourcePort & 0xff,
    destinationPort >>> 8,
    destinationPort & 0xff,
  ]);
