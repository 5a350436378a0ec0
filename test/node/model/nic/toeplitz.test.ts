/** The hash of receive side scaling, on the vectors of Microsoft's verification suite (82599 datasheet, 7.1.2.8.3). */
import { describe, expect, it } from 'vitest';
import { MICROSOFT_KEY, SYMMETRIC_KEY, Toeplitz } from '../../../../node/model/nic/toeplitz.js';
import { RandomStream } from '../../../../sim/random.js';

interface Vector {
  readonly flow: string;
  /** Addresses and ports in network byte order. */
  readonly input: string;
  readonly addresses: number;
  readonly withPorts: number;
  /** Under the symmetric key. */
  readonly symmetric: number;
}

const VECTORS: readonly Vector[] = [
  {
    flow: '66.9.149.187:2794 to 161.142.100.80:1766',
    input: '420995bba18e64500aea06e6',
    addresses: 0x323e8fc2,
    withPorts: 0x51ccc178,
    symmetric: 0x9fcc9fcc,
  },
  {
    flow: '199.92.111.2:14230 to 65.69.140.83:4739',
    input: 'c75c6f0241458c5337961283',
    addresses: 0xd718262a,
    withPorts: 0xc626b0ea,
    symmetric: 0x60d760d7,
  },
  {
    flow: '24.19.198.95:12898 to 12.22.207.184:38024',
    input: '1813c65f0c16cfb832629488',
    addresses: 0xd2d0a5de,
    withPorts: 0x5c2b394a,
    symmetric: 0x3a3e3a3e,
  },
  {
    flow: '38.27.205.30:48228 to 209.142.163.6:2217',
    input: '261bcd1ed18ea306bc6408a9',
    addresses: 0x82989176,
    withPorts: 0xafc7327f,
    symmetric: 0xd26ed26e,
  },
  {
    flow: '153.39.163.191:44251 to 202.188.127.2:1303',
    input: '9927a3bfcabc7f02acdb0517',
    addresses: 0x5d1809c5,
    withPorts: 0x10e828a2,
    symmetric: 0xf23ef23e,
  },
  {
    flow: '[3ffe:2501:200:1fff::7]:2794 to [3ffe:2501:200:3::1]:1766',
    input: '3ffe250102001fff00000000000000073ffe25010200000300000000000000010aea06e6',
    addresses: 0x2cc18cd5,
    withPorts: 0x40207d3d,
    symmetric: 0x13eb13eb,
  },
  {
    flow: '[3ffe:501:8::260:97ff:fe40:efab]:14230 to [ff02::1]:4739',
    input: '3ffe050100080000026097fffe40efabff02000000000000000000000000000137961283',
    addresses: 0x0f0c461c,
    withPorts: 0xdde51bbf,
    symmetric: 0x36913691,
  },
  {
    flow: '[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251 to [fe80::200:f8ff:fe21:67cf]:38024',
    input: '3ffe1900454500030200f8fffe2167cffe800000000000000200f8fffe2167cfacdb9488',
    addresses: 0x4b61e985,
    withPorts: 0x02d1feef,
    symmetric: 0x08090809,
  },
];

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Bit by bit, as the definition has it. */
function slowly(key: readonly number[], input: Uint8Array): number {
  const bits = key.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let hash = 0;
  for (let i = 0; i < 8 * input.length; i++) {
    if (((input[i >> 3]! >> (7 - (i & 7))) & 1) === 0) continue;
    hash ^= parseInt(bits.slice(i, i + 32), 2);
  }
  return hash >>> 0;
}

describe('the Toeplitz hash', () => {
  const microsoft = new Toeplitz(MICROSOFT_KEY);
  const symmetric = new Toeplitz(SYMMETRIC_KEY);

  it.each(VECTORS)('is right for $flow', (vector) => {
    const input = bytesOf(vector.input);
    const view = new DataView(input.buffer);
    const length = input.length - 4;
    expect(microsoft.hash(view, 0, length, -1)).toBe(vector.addresses);
    expect(microsoft.hash(view, 0, length, length)).toBe(vector.withPorts);
    expect(symmetric.hash(view, 0, length, length)).toBe(vector.symmetric);
    if (length !== 8) return;
    const [source, destination, ports] = [0, 4, 8].map((at) => view.getUint32(at));
    const numbers = [source!, destination!, ports! >>> 16, ports! & 0xffff] as const;
    expect(microsoft.hashIpv4(...numbers)).toBe(vector.withPorts);
  });

  it('finds addresses and ports wherever they lie', () => {
    const { input, withPorts } = VECTORS[2]!;
    const bytes = bytesOf(input);
    const frame = new Uint8Array(64).fill(0xa5);
    frame.set(bytes.subarray(0, 8), 27);
    frame.set(bytes.subarray(8), 47);
    expect(microsoft.hash(new DataView(frame.buffer), 27, 8, 47)).toBe(withPorts);
  });

  it('is alike for both directions of a flow under the symmetric key, and under that key alone', () => {
    const random = new RandomStream(1, 'directions');
    let alike = 0;
    for (let i = 0; i < 100; i++) {
      const [a, b] = [random.word(), random.word()];
      const [p, q] = [random.below(65_536), random.below(65_536)];
      expect(symmetric.hashIpv4(a, b, p, q)).toBe(symmetric.hashIpv4(b, a, q, p));
      if (microsoft.hashIpv4(a, b, p, q) === microsoft.hashIpv4(b, a, q, p)) alike++;
    }
    expect(alike).toBe(0);
  });

  it('is what its definition says, bit by bit, for any key and input', () => {
    const random = new RandomStream(2, 'keys');
    for (let round = 0; round < 20; round++) {
      const key = Array.from({ length: 40 }, () => random.below(256));
      const length = round % 2 === 0 ? 8 : 32;
      const input = Uint8Array.from({ length: length + 4 }, () => random.below(256));
      const hashed = new Toeplitz(key).hash(new DataView(input.buffer), 0, length, length);
      expect(hashed).toBe(slowly(key, input));
    }
  });
});
