/**
 * The driver of one network function: the frames that the protocols send go into the send queue of the core they are sent on,
 * each at the kernel's own time; receive queues are spread over the function's cores.
 */
import { STAGE } from '../../sim/stages.js';
import { PROTOCOL_TCP } from '../../wire/ipv4.js';
import { ETHERNET_LENGTH } from '../../wire/ethernet.js';
import type { FramePool } from '../link/frame-pool.js';
import type { FrameBuffer, StackHost } from '../net/ip-stack.js';
import type { FrameQueue } from '../nic/frame-queue.js';
import type { Profile } from '../profile.js';
import type { RandomStream } from '../../sim/random.js';
import type { KernelContext } from './kernel-context.js';

const IP_PROTOCOL_AT = ETHERNET_LENGTH + 9;

export class NetworkDevice implements StackHost {
  /** Frames that found no room in a send queue. */
  stopped = 0;
  private slot = -1;
  private readonly buffer: FrameBuffer;
  private readonly profile: Profile;
  private readonly pool: FramePool;
  private readonly context: KernelContext;
  private readonly stream: RandomStream;
  /** By core. */
  private readonly queues: readonly (FrameQueue | undefined)[];

  constructor(
    profile: Profile,
    pool: FramePool,
    context: KernelContext,
    stream: RandomStream,
    queues: readonly (FrameQueue | undefined)[],
  ) {
    this.profile = profile;
    this.pool = pool;
    this.context = context;
    this.stream = stream;
    this.queues = queues;
    this.buffer = { bytes: pool.bytes, view: pool.view, at: 0 };
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
    pool.offload[this.slot] = 1;
    buffer.bytes = pool.bytes;
    buffer.view = pool.view;
    buffer.at = pool.start[this.slot]!;
    return buffer;
  }

  send(length: number, headerLength: number): void {
    const { pool, context, slot } = this;
    const { kernel } = this.profile;
    context.spend(kernel.stackOut, STAGE.stack);
    const start = pool.start[slot]!;
    if (pool.view.getUint8(start + IP_PROTOCOL_AT) === PROTOCOL_TCP) {
      context.spend(kernel.tcpOut, STAGE.stack);
    }
    // An acknowledgement is nobody's operation.
    if (length > headerLength) pool.chains.copy(slot, context.chains, context.row);
    else pool.chains.clear(slot);
    this.queue.post(slot, context.time);
  }

  private get queue(): FrameQueue {
    return this.queues[this.context.core]!;
  }
}
