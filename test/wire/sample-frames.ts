/** Frames and captures for the wire's tests. */
import { readFileSync } from 'node:fs';
import { readCapture } from '../../wire/capture.js';
import type { CapturedPacket } from '../../wire/captured-packet.js';
import { newBth } from '../../wire/bth.js';
import { ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, newEthernet } from '../../wire/ethernet.js';
import { EXTENSION_CODEC } from '../../wire/extension.js';
import { emitFrame, newFrame, newRoce, type Frame } from '../../wire/frame.js';
import { writeIcrc } from '../../wire/icrc.js';
import { newIpv4 } from '../../wire/ipv4.js';
import { newIpv6 } from '../../wire/ipv6.js';
import { EXTENSION_LENGTH, OPCODE_INFO } from '../../wire/opcode-table.js';
import { newUdp, ROCE_PORT } from '../../wire/udp.js';

/** Numbers 0 to 2^32 - 1 that a seed repeats (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

export function randomBytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random() & 0xff);
}

export const capturePath = (name: string): string =>
  new URL(`../vectors/captures/${name}.pcap`, import.meta.url).pathname;

export const readCaptured = (name: string): CapturedPacket[] => [
  ...readCapture(readFileSync(capturePath(name))),
];

export interface Sample {
  readonly opcode: number;
  readonly payload?: number;
  readonly ipv6?: boolean;
  readonly vlan?: number;
  readonly ipv4Options?: Uint8Array;
}

/** A frame record with right lengths, random field values, and an ICRC of 0. */
export function sampleRecord(sample: Sample, random: () => number): Frame {
  const frame = newFrame();
  const ipv6 = sample.ipv6 ?? false;
  const etherType = ipv6 ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4;
  frame.ethernet = {
    ...newEthernet(),
    destination: 0x020000000002,
    source: 0x020000000001,
    etherType,
  };
  if (sample.vlan !== undefined) {
    frame.ethernet.etherType = 0x8100;
    frame.vlans.push({ priority: 3, dropEligible: 1, id: sample.vlan, etherType });
  }
  const payload = randomBytes(random, sample.payload ?? 0);
  const pad = new Uint8Array(-payload.length & 3);
  const bth = {
    ...newBth(),
    opcode: sample.opcode,
    padCount: pad.length,
    destQp: random() & 0xffffff,
    psn: random() & 0xffffff,
    ackReq: 1,
  };
  const roce = newRoce(bth);
  for (const name of OPCODE_INFO[sample.opcode]?.extensions ?? []) {
    const random32 = new DataView(randomBytes(random, 28).buffer);
    EXTENSION_CODEC[name].parse(random32, 0, roce.extensions);
  }
  roce.payload = payload;
  roce.pad = pad;
  roce.icrc = 0;
  frame.roce = roce;
  const udpLength = 8 + 12 + EXTENSION_LENGTH[sample.opcode]! + payload.length + pad.length + 4;
  frame.udp = { ...newUdp(), sourcePort: 0xc123, destinationPort: ROCE_PORT, length: udpLength };
  if (ipv6) {
    frame.ipv6 = { ...newIpv6(), payloadLength: udpLength };
    frame.ipv6.source.set([0xfe, 0x80]);
    frame.ipv6.destination.set([0xfe, 0x80]);
    frame.ipv6.destination[15] = 2;
    return frame;
  }
  frame.ipv4Options = sample.ipv4Options ?? new Uint8Array(0);
  const headerLength = 20 + frame.ipv4Options.length;
  frame.ipv4 = {
    ...newIpv4(),
    ihl: headerLength / 4,
    totalLength: headerLength + udpLength,
    source: 0x0a000001,
    destination: 0x0a000002,
  };
  return frame;
}

/** The same as bytes, with the right ICRC. */
export function sampleFrame(sample: Sample, random: () => number = randomNumbers(1)): Uint8Array {
  const bytes = emitFrame(sampleRecord(sample, random));
  writeIcrc(bytes, 0, bytes.length);
  return bytes;
}
