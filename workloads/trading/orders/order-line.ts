/** One end of an order session: SoupBinTCP packets, each SEND one or more of them, over a reliable connection. */
import type {
  CompletionQueue,
  Core,
  MemoryRegion,
  WorkCompletion,
} from '../../../node/program/verbs.js';
import { connect, sharedRegion, type Device } from '../../authoring/connect.js';
import { ReceiveRing } from '../feed/receive-ring.js';
import type { PacketSender } from '../session/session-lines.js';
import { requireSuccess, SendWindow } from '../feed/send-window.js';
import { SoupReader } from '../wire-formats/soupbin.js';
import { ORDER_SLOT_BYTES, ORDER_WINDOW, SEND_DEPTH } from '../session/tick-to-trade-session.js';

const SHAPE = { slots: ORDER_WINDOW, slotBytes: ORDER_SLOT_BYTES };
const OUTGOING_AT = ORDER_WINDOW * ORDER_SLOT_BYTES;
/** More than the packets of one message have; inline where the NIC takes as much. */
const MOST_BYTES = 220;

export interface Packet {
  readonly type: number;
  /** The payload, a copy. */
  readonly payload: Uint8Array;
}

export class OrderLine implements PacketSender {
  readonly qpNum: number;
  private readonly region: MemoryRegion;
  private readonly ring: ReceiveRing;
  private readonly sends: SendWindow;
  private readonly reader: SoupReader;
  private readonly inline: number;
  private packets: Packet[] = [];
  private length = 0;
  /** Messages sent. Each has a slot until SEND_DEPTH later, when it is long complete. */
  private sent = 0;

  /** Connects to `peer`; what arrives completes in `recvCq`. */
  static async open(
    core: Core,
    device: Device,
    peer: number,
    recvCq: CompletionQueue,
  ): Promise<OrderLine> {
    const region = await sharedRegion(core, device.pd, OUTGOING_AT + SEND_DEPTH * MOST_BYTES);
    const inline = Math.min(MOST_BYTES, device.context.attributes.maxInlineData);
    const sendCq = await device.context.createCq(SEND_DEPTH);
    let ring: ReceiveRing | undefined;
    const { qp } = await connect(core, device, {
      peer,
      sendCq,
      recvCq,
      cap: { maxSendWr: SEND_DEPTH, maxRecvWr: ORDER_WINDOW, maxInlineData: inline },
      region,
      receives: (created) => (ring = new ReceiveRing(created, region, SHAPE)),
    });
    const sends = new SendWindow(qp, sendCq, SEND_DEPTH);
    return new OrderLine(qp.qpNum, region, ring!, sends, inline);
  }

  private constructor(
    qpNum: number,
    region: MemoryRegion,
    ring: ReceiveRing,
    sends: SendWindow,
    inline: number,
  ) {
    this.qpNum = qpNum;
    this.inline = inline;
    this.region = region;
    this.ring = ring;
    this.sends = sends;
    this.reader = new SoupReader((type, bytes, at, end) => {
      this.packets.push({ type, payload: bytes.slice(at, end) });
    });
  }

  /** The packets of a message that arrived. */
  take(completion: WorkCompletion): Packet[] {
    requireSuccess(completion);
    const { wrId, byteLen } = completion;
    const at = this.ring.at(wrId);
    if (!this.reader.read(this.region.bytes, at, at + byteLen)) {
      throw new Error('a packet of no type in the order session');
    }
    const { packets } = this;
    this.packets = [];
    return packets;
  }

  /** The message is done with: its receive is posted again, with others. */
  free({ wrId }: WorkCompletion): void {
    this.ring.free(wrId);
  }

  add(emit: (into: Uint8Array, at: number) => number): void {
    this.length += emit(this.region.bytes, this.outgoing + this.length);
  }

  /** Sends what was added. There must be room for it. */
  send(last = false): Promise<void> {
    const sges = [this.region.sge(this.outgoing, this.length)];
    const { sends } = this;
    const inline = this.length <= this.inline;
    const signaled = sends.admit(last);
    sends.qp.postSend({ opcode: 'SEND', sges, inline, signaled, wrId: sends.posted });
    this.length = 0;
    this.sent++;
    return Promise.resolve();
  }

  private get outgoing(): number {
    return OUTGOING_AT + (this.sent % SEND_DEPTH) * MOST_BYTES;
  }

  /** Whether there is room for a message at once. */
  get open(): boolean {
    return this.sends.open;
  }

  room(): Promise<void> {
    return this.sends.room();
  }

  /** Looks at the completions of what was sent, now and then: at a time when nothing is measured. */
  ease(): Promise<void> {
    return this.sends.ease();
  }

  drain(): Promise<void> {
    return this.sends.drain();
  }
}
