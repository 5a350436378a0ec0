/**
 * One real host, and a peer on the other end of the cable that a test plays by hand, packet by packet: what no
 * well-behaved peer would send, and when.
 */
import { Machine } from '../../../../node/process/machine.js';
import type { Core } from '../../../../node/program/verbs.js';
import { hostIpv4, hostMac } from '../../../../units/address.js';
import { newBth } from '../../../../wire/bth.js';
import {
  ETHER_TYPE_IPV4,
  ETHERNET_LENGTH,
  macNumber,
  newEthernet,
} from '../../../../wire/ethernet.js';
import type { Extensions } from '../../../../wire/extension.js';
import { parseFrame } from '../../../../wire/frame-parser.js';
import { emitFrame, newFrame, newRoce, type Roce } from '../../../../wire/frame.js';
import { writeIcrc } from '../../../../wire/icrc.js';
import {
  IPV4_LENGTH,
  ipv4Checksum,
  ipv4Number,
  newIpv4,
  PROTOCOL_UDP,
} from '../../../../wire/ipv4.js';
import { EXTENSION_LENGTH, OPCODE, type OpcodeName } from '../../../../wire/opcode-table.js';
import { newUdp, ROCE_PORT, UDP_LENGTH } from '../../../../wire/udp.js';
import type { FrameSlot } from '../../../../node/model/fabric/frame-slot.js';
import { specOf, type ProgramRun } from '../../../embedded.js';

/** Ethernet, IPv4, UDP and BTH. */
const HEADERS = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH + 12;
const ICRC = 4;

/** A packet to send: everything else is as a good peer has it. */
export interface Sent {
  readonly opcode: OpcodeName;
  readonly psn: number;
  readonly destQp?: number;
  readonly ackReq?: boolean;
  readonly extensions?: Extensions;
  readonly payload?: number | Uint8Array;
  readonly pkey?: number;
  readonly tver?: number;
  /** Hosts that it claims to come from, and to be for. */
  readonly source?: number;
  readonly destination?: number;
}

/** 0.3 ms; the shortest time-out of these tests is 2^8 * 4.096 us = 1.05 ms. */
const A_WHILE = 300e6;

/** The first queue pair of a host. */
export const FIRST_QP = 0x11;

export class ScriptedPeer {
  /** What the host has sent, in order. */
  readonly frames: Roce[] = [];
  readonly machine: Machine;
  now = 0;
  /** When each packet of {@link frames} was sent. */
  readonly times: number[] = [];
  private keys = 0;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Starts `program` on host 0; this is host 1. */
  static async start(
    program: (core: Core) => Promise<unknown>,
    options: Omit<ProgramRun, 'program'> = {},
  ): Promise<ScriptedPeer> {
    const programs = [{ host: 0, core: 0, role: '' }];
    const run = { noise: false, topology: 'direct', ...options, hosts: 2, programs } as const;
    const spec = { ...(await specOf({ ...run, program })), local: [0] };
    const machine: Machine = await Machine.create(spec, {
      remote: {
        send: (slot) => {
          peer.take(slot);
        },
      },
      program,
    });
    const peer = new ScriptedPeer(machine);
    await peer.run();
    return peer;
  }

  /** Lets the host run for a while: long enough to answer, less than a time-out. */
  async run(length = A_WHILE): Promise<void> {
    this.now += length;
    while ((await this.machine.advance({ horizon: this.now }, 1000)) === 'yield') continue;
    if (this.machine.failure !== null) throw new Error(this.machine.failure.stack);
  }

  /** Sends a packet, and lets the host run. */
  async send(sent: Sent): Promise<void> {
    this.put(sent);
    await this.run();
  }

  /** Sends a packet. The host does nothing yet. */
  put(sent: Sent): void {
    this.inject(packetBytes(sent), HEADERS + EXTENSION_LENGTH[OPCODE[sent.opcode]]!);
  }

  /** Puts bytes on the cable, whatever they are. `headers` is what the sending process says of them. */
  inject(bytes: Uint8Array, headers: number, suspect = false): void {
    const { pool } = this.machine;
    const { now } = this;
    const slot = pool.allocate();
    const at = pool.payloadAt(slot) - headers;
    const frame = pool.frames[slot]!;
    frame.start = at;
    frame.length = bytes.length;
    frame.headerLength = headers;
    pool.bytes.set(bytes, at);
    frame.source = 1;
    frame.destination = frame.element = 0;
    frame.time = now + 1;
    frame.key = this.keys++;
    frame.suspect = suspect;
    pool.chains.clear(slot);
    this.machine.deliver(slot);
  }

  /** What was sent since the last look. */
  news(): Roce[] {
    this.times.length = 0;
    return this.frames.splice(0);
  }

  counter(name: string): number {
    return this.machine.outcome().hosts[0]!.counters[name] ?? 0;
  }

  async close(): Promise<void> {
    await this.machine.close();
  }

  private take(slot: FrameSlot): void {
    const { pool } = this.machine;
    const start = pool.frames[slot]!.start;
    const bytes = pool.bytes.slice(start, start + pool.frames[slot]!.length);
    pool.release(slot);
    const { roce } = parseFrame(bytes);
    if (roce === undefined) return;
    this.frames.push(roce);
    this.times.push(this.machine.now);
  }
}

/** The packet as it stands on the wire, with the right ICRC. */
export function packetBytes(sent: Sent): Uint8Array {
  const opcode = OPCODE[sent.opcode];
  const payload =
    typeof sent.payload === 'number'
      ? new Uint8Array(sent.payload)
      : (sent.payload ?? new Uint8Array());
  const pad = -payload.length & 3;
  const frame = newFrame();
  frame.ethernet = newEthernet();
  frame.ethernet.destination = macNumber(hostMac(0));
  frame.ethernet.source = macNumber(hostMac(1));
  frame.ethernet.etherType = ETHER_TYPE_IPV4;
  const length = HEADERS + EXTENSION_LENGTH[opcode]! + payload.length + pad + ICRC;
  frame.ipv4 = newIpv4();
  frame.ipv4.totalLength = length - ETHERNET_LENGTH;
  frame.ipv4.protocol = PROTOCOL_UDP;
  frame.ipv4.source = ipv4Number(hostIpv4(sent.source ?? 1));
  frame.ipv4.destination = ipv4Number(hostIpv4(sent.destination ?? 0));
  frame.udp = newUdp();
  frame.udp.sourcePort = 0xc123;
  frame.udp.destinationPort = ROCE_PORT;
  frame.udp.length = length - ETHERNET_LENGTH - IPV4_LENGTH;
  const bth = newBth();
  bth.opcode = opcode;
  bth.padCount = pad;
  bth.destQp = sent.destQp ?? FIRST_QP;
  bth.ackReq = sent.ackReq === true ? 1 : 0;
  bth.psn = sent.psn & 0xffffff;
  bth.pkey = sent.pkey ?? bth.pkey;
  bth.tver = sent.tver ?? bth.tver;
  frame.roce = newRoce(bth);
  Object.assign(frame.roce.extensions, sent.extensions);
  frame.roce.payload = payload;
  frame.roce.pad = new Uint8Array(pad);
  frame.roce.icrc = 0;
  const bytes = emitFrame(frame);
  const view = new DataView(bytes.buffer);
  view.setUint16(ETHERNET_LENGTH + 10, ipv4Checksum(view, ETHERNET_LENGTH));
  writeIcrc(bytes, 0, bytes.length);
  return bytes;
}
