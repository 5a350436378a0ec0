/**
 * The driver of one network function: the frames that the protocols send go into the send queue of the core they are
 * sent on, each at the kernel's own time; receive queues are spread over the function's cores.
 *
 * TCP segmentation offload (TSO): segments of one connection that continue each other, sent in one piece of the
 * kernel's work, are one packet to the stack, as long as an IP packet can be. The NIC cuts it: on the wire they are
 * what they always were.
 */
import { TCP_SEQUENCE_OFFSET } from '../../../wire/tcp.js';
import { STAGE } from '../../../sim/stages.js';
import {
  IPV4_LENGTH,
  PROTOCOL_TCP,
  IPV4_TOTAL_LENGTH_OFFSET,
  IPV4_PROTOCOL_OFFSET,
} from '../../../wire/ipv4.js';
import { ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import { VLAN_LENGTH } from '../../../wire/vlan.js';
import type { FramePool } from '../fabric/frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import type { FrameBuffer, StackHost } from '../net/ip-stack.js';
import type { Profile } from '../../spec/profile.js';
import type { RandomStream } from '../../../sim/random.js';
import type { KernelContext } from './kernel-context.js';

const LONGEST_PACKET = 0xffff;
const IP_PROTOCOL_AT = ETHERNET_LENGTH + IPV4_PROTOCOL_OFFSET;

/** A queue that the driver puts frames into. */
export interface SendRing {
  readonly full: boolean;
  /** Called when one that was full has room again. */
  onRoom: (() => void) | undefined;
  /** Takes frame `slot` over, which the driver has put there at `at`. */
  post(slot: FrameSlot, at: number): void;
}

export class NetworkDevice implements StackHost {
  /** Frames that found no room in a send queue. */
  stopped = 0;
  private slot: FrameSlot = NO_FRAME_SLOT;
  /**
   * What the NIC is given to cut: in which piece of work, whose, its full segments' payload, its length and what
   * continues it.
   */
  private readonly packet = { piece: -1, socket: -1, segment: 0, length: 0, next: 0 };
  private readonly buffer: FrameBuffer;
  private readonly profile: Profile;
  private readonly pool: FramePool;
  private readonly context: KernelContext;
  private readonly stream: RandomStream;
  /** By core. */
  private readonly queues: readonly (SendRing | undefined)[];
  /** Where a frame says what protocol it carries: the function's tag comes before. */
  private readonly protocolAt: number;

  constructor(
    profile: Profile,
    pool: FramePool,
    context: KernelContext,
    stream: RandomStream,
    queues: readonly (SendRing | undefined)[],
    vlan: number,
  ) {
    this.profile = profile;
    this.pool = pool;
    this.context = context;
    this.stream = stream;
    this.queues = queues;
    this.buffer = { bytes: pool.bytes, view: pool.view, at: 0 };
    this.protocolAt = vlan > 0 ? IP_PROTOCOL_AT + VLAN_LENGTH : IP_PROTOCOL_AT;
  }

  /** Whether frame `slot`, of this function, says that it carries TCP. */
  carriesTcp(slot: FrameSlot): boolean {
    const { pool, protocolAt } = this;
    return pool.view.getUint8(pool.frames[slot]!.start + protocolAt) === PROTOCOL_TCP;
  }

  random(): number {
    return this.stream.word();
  }

  begin(length: number): FrameBuffer | undefined {
    const { pool, buffer } = this;
    if (this.queue.full) {
      this.stopped++;
      return undefined;
    }
    this.slot = pool.allocateFrame(length);
    pool.frames[this.slot]!.offload = true;
    buffer.bytes = pool.bytes;
    buffer.view = pool.view;
    buffer.at = pool.frames[this.slot]!.start;
    return buffer;
  }

  send(_length: number, headerLength: number, socket: number): void {
    const { pool, context, slot } = this;
    const { kernel } = this.profile;
    // By what IP says, as the least frame has padding.
    const packet = this.protocolAt - IPV4_PROTOCOL_OFFSET;
    const total = pool.frames[slot]!.start + packet + IPV4_TOTAL_LENGTH_OFFSET;
    const payload = packet + pool.view.getUint16(total) - headerLength;
    if (this.carriesTcp(slot)) {
      const sequence = pool.frames[slot]!.start + packet + IPV4_LENGTH + TCP_SEQUENCE_OFFSET;
      if (this.isCut(socket, pool.view.getInt32(sequence), headerLength - packet, payload)) {
        context.spend(kernel.tsoSegment, STAGE.stack);
      } else {
        context.spend(kernel.stackOut, STAGE.stack);
        context.spend(kernel.tcpOut, STAGE.stack);
      }
    } else context.spend(kernel.stackOut, STAGE.stack);
    // An acknowledgement is nobody's operation.
    if (payload > 0) pool.chains.copy(slot, context.chains, context.row);
    else pool.chains.clear(slot);
    this.queue.post(slot, context.time);
  }

  /** Whether the NIC cuts this segment off the packet that the one before belongs to; else it begins a new one. */
  private isCut(socket: number, sequence: number, headers: number, payload: number): boolean {
    const { packet, context } = this;
    const isCut =
      this.profile.kernel.offloads === 'on' &&
      packet.piece === context.piece &&
      packet.socket === socket &&
      packet.next === sequence &&
      payload > 0 &&
      payload <= packet.segment &&
      packet.length + payload <= LONGEST_PACKET;
    if (!isCut) {
      packet.piece = context.piece;
      packet.socket = socket;
      packet.segment = payload;
      packet.length = headers;
    }
    packet.length += payload;
    packet.next = (sequence + payload) | 0;
    // Only the last of a packet is shorter than the others.
    if (payload < packet.segment) packet.segment = 0;
    return isCut;
  }

  private get queue(): SendRing {
    return this.queues[this.context.core]!;
  }
}
