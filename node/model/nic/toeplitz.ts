/**
 * The Toeplitz hash of receive side scaling (Microsoft, "RSS hashing types"): the XOR of the key's 32-bit windows that
 * begin at the bits set in the input. The input is source address, destination address and, for TCP and UDP, source
 * port and destination port, in network byte order: as they stand in the frame.
 *
 * A window depends only on its place, so what a byte adds is looked up: 256 entries for each place, made once per key.
 */

/** Two IPv6 addresses and two ports; a window more is read behind the last. */
const LONGEST_INPUT = 36;
export const KEY_LENGTH = 40;

/** The key of Microsoft's verification suite, and many drivers' default. */
export const MICROSOFT_KEY: readonly number[] = [
  0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
  0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
  0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
];

/** Repeats every 16 bits, so that both directions of a flow hash alike (Woo and Park, 2012). */
export const SYMMETRIC_KEY: readonly number[] = Array.from({ length: KEY_LENGTH }, (_, i) =>
  i % 2 === 0 ? 0x6d : 0x5a,
);

export class Toeplitz {
  readonly key: readonly number[];
  /** What byte value `v` at place `i` adds: entry `i << 8 | v`. */
  private readonly table = new Int32Array(LONGEST_INPUT << 8);

  constructor(key: readonly number[]) {
    if (key.length !== KEY_LENGTH || key.some((byte) => (byte & 0xff) !== byte)) {
      throw new RangeError(`a Toeplitz key is ${KEY_LENGTH} bytes`);
    }
    this.key = [...key];
    for (let place = 0; place < LONGEST_INPUT; place++) {
      for (let value = 1; value < 256; value++) {
        const lowest = value & -value;
        const rest = this.table[(place << 8) | (value ^ lowest)]!;
        const bit = 8 * place + Math.clz32(lowest) - 24;
        this.table[(place << 8) | value] = rest ^ this.window(bit);
      }
    }
  }

  /**
   * The hash over `length` bytes of addresses at `addresses` and the four bytes of ports at `ports` (negative:
   * addresses alone), as an unsigned number.
   */
  hash(view: DataView, addresses: number, length: number, ports: number): number {
    const { table } = this;
    let hash = 0;
    for (let i = 0; i < length; i++) hash ^= table[(i << 8) | view.getUint8(addresses + i)]!;
    if (ports >= 0) {
      const place = length << 8;
      hash ^=
        table[place | view.getUint8(ports)]! ^
        table[(place + 0x100) | view.getUint8(ports + 1)]! ^
        table[(place + 0x200) | view.getUint8(ports + 2)]! ^
        table[(place + 0x300) | view.getUint8(ports + 3)]!;
    }
    return hash >>> 0;
  }

  /** The same for IPv4 addresses and ports that are at hand as numbers. */
  hashIpv4(
    source: number,
    destination: number,
    sourcePort: number,
    destinationPort: number,
  ): number {
    return (
      (this.word(0, source) ^
        this.word(4, destination) ^
        this.word(8, (sourcePort << 16) | destinationPort)) >>>
      0
    );
  }

  private word(place: number, value: number): number {
    const { table } = this;
    const at = place << 8;
    return (
      table[at | (value >>> 24)]! ^
      table[(at + 0x100) | ((value >>> 16) & 0xff)]! ^
      table[(at + 0x200) | ((value >>> 8) & 0xff)]! ^
      table[(at + 0x300) | (value & 0xff)]!
    );
  }

  /** The 32 bits of the key from bit `first` on, the highest bit of the first byte being bit 0. */
  private window(first: number): number {
    const byte = first >> 3;
    const shift = first & 7;
    let high = 0;
    for (let i = 0; i < 4; i++) high = (high << 8) | this.key[byte + i]!;
    return shift === 0 ? high : (high << shift) | (this.key[byte + 4]! >>> (8 - shift));
  }
}
