/**
 * The frames that `host/pinning` sends a message in when it hands the NIC bus addresses, and how the peer takes them
 * in.
 *
 *      0  destination MAC, source MAC, EtherType 0x88b5 (local experiments)
 *     14  message u16 | frame u16      then up to 1482 bytes of the message
 */
import type { CompletionQueue, Core, MemoryRegion } from '../../node/program/verbs.js';
import { ACCESS } from '../../node/program/verbs.js';
import { openDevice } from '../authoring/connect.js';
import { wrongBytes } from './pattern.js';

export const FRAME_HEADER = 18;
/** What an MTU of 1500 leaves behind our own 4 bytes, down to a multiple that keeps pieces even. */
export const FRAME_PAYLOAD = 1488;
const ETHER_TYPE = 0x88b5;
const SLOT = 2048;

/** Writes header number `frame` of message `message` into `bytes`. */
export function writeFrameHeader(
  bytes: Uint8Array,
  frame: number,
  to: Uint8Array,
  from: Uint8Array,
  message: number,
): void {
  const at = frame * FRAME_HEADER;
  bytes.set(to, at);
  bytes.set(from, at + 6);
  new DataView(bytes.buffer).setUint16(at + 12, ETHER_TYPE);
  new DataView(bytes.buffer).setUint16(at + 14, message);
  new DataView(bytes.buffer).setUint16(at + 16, frame);
}

/** A queue of raw frames with a receive for each that will come. */
export class FrameTarget {
  private readonly core: Core;
  private readonly region: MemoryRegion;
  private readonly cq: CompletionQueue;
  private readonly frames: number;

  private constructor(core: Core, region: MemoryRegion, cq: CompletionQueue, frames: number) {
    this.core = core;
    this.region = region;
    this.cq = cq;
    this.frames = frames;
  }

  static async open(core: Core, frames: number): Promise<FrameTarget> {
    const { pd, context } = await openDevice(core);
    const cq = await context.createCq(frames + 1);
    const region = await pd.registerMemory(await core.allocate(frames * SLOT), ACCESS.LOCAL_WRITE);
    const cap = { maxRecvWr: frames };
    const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap });
    await qp.modify({ state: 'INIT', port: 1 });
    await qp.modify({ state: 'RTR' });
    await qp.modify({ state: 'RTS' });
    await qp.attachFlow({});
    qp.postRecvList(
      Array.from({ length: frames }, (_, wrId) => ({
        wrId,
        sges: [region.sge(wrId * SLOT, SLOT)],
      })),
    );
    return new FrameTarget(core, region, cq, frames);
  }

  /** How many bytes of messages of `size` are not as they were sent, those that never came among them. */
  async wrong(size: number, messages: number): Promise<number> {
    let left = size * messages;
    let wrong = 0;
    for (const { wrId, byteLen } of await this.cq.poll(this.frames)) {
      const { data, bytes } = this.region;
      const at = wrId * SLOT;
      const message = data.getUint16(at + 14);
      const from = data.getUint16(at + 16) * FRAME_PAYLOAD;
      // A short frame was padded to the least length of Ethernet's.
      const length = Math.min(byteLen - FRAME_HEADER, size - from);
      const start = at + FRAME_HEADER;
      wrong += wrongBytes(bytes.subarray(start, start + length), message, from);
      left -= length;
      await this.core.checkIn();
    }
    return wrong + left;
  }
}
