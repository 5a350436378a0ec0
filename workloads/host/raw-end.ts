/**
 * One end of a conversation in raw frames, as a program over ef_vi has it: it writes Ethernet, IPv4 and UDP headers
 * itself, into a frame that it sends from where it lies, and polls for frames that fit its rule. No protocol runs, and
 * nothing is copied.
 */
import type { CompletionQueue, Core, MemoryRegion, QueuePair } from '../../node/program/verbs.js';
import { hostIpv4, hostMac } from '../../units/address.js';
import { openDevice, sharedRegion } from '../authoring/connect.js';
import { SocketError, type SocketEnd } from './socket-ends.js';

const PORT = 7;
const UDP = 17;
const IPV4_AT = 14;
const UDP_AT = IPV4_AT + 20;
const HEADERS = UDP_AT + 8;
const SLOT = 2048;
const RECEIVES = 8;
const FRAME_AT = RECEIVES * SLOT;
const SIGNAL_EVERY = 16;
/** Beyond it, fetching a frame costs no more than the WQE's further blocks. */
const MOST_INLINE = 220;

export class RawEnd implements SocketEnd {
  private readonly core: Core;
  private readonly qp: QueuePair;
  private readonly cq: CompletionQueue;
  /** The slots of the receives, and behind them the frame that is sent. */
  private readonly frames: MemoryRegion;
  private readonly source: MemoryRegion;
  private readonly inbox: MemoryRegion;
  private sent = 0;
  /** A slot to be posted again while the answer is on its way. */
  private free = -1;

  /** `source` is what messages are sent of, `inbox` where they are to be found. */
  static async open(core: Core, source: MemoryRegion, inbox: MemoryRegion): Promise<RawEnd> {
    const { context, pd } = await openDevice(core);
    const cq = await context.createCq(2 * (RECEIVES + SIGNAL_EVERY));
    const frames = await sharedRegion(core, pd, (RECEIVES + 1) * SLOT);
    const maxInlineData = Math.min(context.attributes.maxInlineData, MOST_INLINE);
    const cap = { maxSendWr: 2 * SIGNAL_EVERY, maxRecvWr: RECEIVES, maxInlineData };
    const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap });
    await qp.modify({ state: 'INIT', port: 1 });
    await qp.modify({ state: 'RTR' });
    await qp.modify({ state: 'RTS' });
    await qp.attachFlow({ protocol: 'udp', destinationPort: PORT });
    const end = new RawEnd(core, qp, cq, frames, source, inbox);
    end.writeHeaders(core.host, 1 - core.host);
    for (let slot = 0; slot < RECEIVES; slot++) end.post(slot);
    await core.tell(1 - core.rank, 'open');
    await core.hear(1 - core.rank);
    return end;
  }

  private constructor(
    core: Core,
    qp: QueuePair,
    cq: CompletionQueue,
    frames: MemoryRegion,
    source: MemoryRegion,
    inbox: MemoryRegion,
  ) {
    this.core = core;
    this.qp = qp;
    this.cq = cq;
    this.frames = frames;
    this.source = source;
    this.inbox = inbox;
  }

  send(address: number, length: number): Promise<void> {
    const { frames, source } = this;
    const from = address - source.address;
    frames.bytes.set(source.bytes.subarray(from, from + length), FRAME_AT + HEADERS);
    this.writeLengths(length);
    const signaled = ++this.sent % SIGNAL_EVERY === 0;
    this.qp.postSend({
      opcode: 'SEND',
      sges: [frames.sge(FRAME_AT, HEADERS + length)],
      inline: HEADERS + length <= this.qp.cap.maxInlineData,
      signaled,
    });
    if (this.free >= 0) this.post(this.free);
    this.free = -1;
    return Promise.resolve();
  }

  async receive(_address: number, length: number): Promise<void> {
    while (this.free < 0) {
      for (const { opcode, status, wrId } of await this.cq.busyPoll()) {
        if (status !== 'SUCCESS') throw new SocketError(`${opcode}: ${status}`);
        if (opcode === 'RECV') this.free = wrId;
      }
    }
    const { frames, inbox, free } = this;
    const got = frames.data.getUint16(free * SLOT + UDP_AT + 4) - (HEADERS - UDP_AT);
    if (got !== length) throw new SocketError(`a datagram of ${got} bytes, not ${length}`);
    const at = free * SLOT + HEADERS;
    inbox.bytes.set(frames.bytes.subarray(at, at + length));
  }

  /** Waits for the other side: what was posted last would go with the queue pair. */
  async close(): Promise<void> {
    await this.core.tell(1 - this.core.rank, 'over');
    await this.core.hear(1 - this.core.rank);
    await this.qp.destroy();
  }

  private post(slot: number): void {
    this.qp.postRecv({ wrId: slot, sges: [this.frames.sge(slot * SLOT, SLOT)] });
  }

  private writeHeaders(from: number, to: number): void {
    const { bytes, data } = this.frames;
    bytes.set(hostMac(to), FRAME_AT);
    bytes.set(hostMac(from), FRAME_AT + 6);
    data.setUint16(FRAME_AT + 12, 0x0800);
    const ip = FRAME_AT + IPV4_AT;
    data.setUint8(ip, 0x45);
    // Do not fragment; time to live.
    data.setUint16(ip + 6, 0x4000);
    data.setUint8(ip + 8, 64);
    data.setUint8(ip + 9, UDP);
    bytes.set(hostIpv4(from), ip + 12);
    bytes.set(hostIpv4(to), ip + 16);
    data.setUint16(FRAME_AT + UDP_AT, PORT);
    data.setUint16(FRAME_AT + UDP_AT + 2, PORT);
  }

  /** Lengths, and IPv4's checksum. UDP goes without one, as it may. */
  private writeLengths(length: number): void {
    const { data } = this.frames;
    const ip = FRAME_AT + IPV4_AT;
    data.setUint16(ip + 2, HEADERS - IPV4_AT + length);
    data.setUint16(FRAME_AT + UDP_AT + 4, HEADERS - UDP_AT + length);
    data.setUint16(ip + 10, 0);
    let sum = 0;
    for (let at = 0; at < UDP_AT - IPV4_AT; at += 2) sum += data.getUint16(ip + at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    data.setUint16(ip + 10, ~sum & 0xffff);
  }
}
