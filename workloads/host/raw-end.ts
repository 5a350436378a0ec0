/**
 * One end of a conversation in raw frames, as a program over ef_vi has it: it writes Ethernet, IPv4 and UDP headers
 * itself, into a frame that it sends from where it lies, and polls for frames that fit its rule. No protocol runs, and
 * nothing is copied.
 */
import type { CompletionQueue, Core, MemoryRegion, QueuePair } from '../../node/program/verbs.js';
import { openDevice, sharedRegion } from '../authoring/connect.js';
import { emitHeaders, PAYLOAD_AT, payloadLength, writeLengths, writePorts } from './flow-frames.js';
import { SocketError, type SocketEnd } from './socket-ends.js';

const PORT = 7;
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
    emitHeaders(frames.data, FRAME_AT, core.host, 1 - core.host);
    writePorts(frames.data, FRAME_AT, { source: PORT, destination: PORT });
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
    frames.bytes.set(source.bytes.subarray(from, from + length), FRAME_AT + PAYLOAD_AT);
    // UDP goes without a checksum, as it may.
    writeLengths(frames.data, FRAME_AT, length);
    const signaled = ++this.sent % SIGNAL_EVERY === 0;
    this.qp.postSend({
      opcode: 'SEND',
      sges: [frames.sge(FRAME_AT, PAYLOAD_AT + length)],
      inline: PAYLOAD_AT + length <= this.qp.cap.maxInlineData,
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
    const got = payloadLength(frames.data, free * SLOT);
    if (got !== length) throw new SocketError(`a datagram of ${got} bytes, not ${length}`);
    const at = free * SLOT + PAYLOAD_AT;
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
}
