/**
 * A queue of raw frames as a program's protocol library has it: rings of pinned memory, frames pushed or inline where
 * they fit, one completion queue for both directions, receives posted anew while the core has nothing else to do.
 *
 * The library spends half of its protocol work in sending a frame, half in receiving one.
 */
import { IPV4_TOTAL_LENGTH_OFFSET } from '../../../wire/ipv4.js';
import type { ChainTable } from '../../../sim/chain.js';
import type { RandomStream } from '../../../sim/random.js';
import { STAGE } from '../../../sim/stages.js';
import { ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import { VLAN_LENGTH } from '../../../wire/vlan.js';
import type { FrameBuffer, StackHost } from '../../model/net/ip-stack.js';
import type { Cost } from '../../spec/profile.js';
import { ACCESS, type CompletionQueue, type MemoryRegion } from '../verbs.js';
import type { Awaitable, Core, RecvWr, WorkCompletion } from '../verbs.js';
import { OPERATION_ROW } from '../mailbox/core-page.js';
import type { ProgramShared } from '../program-completions.js';
import { ProgramQueuePair } from '../program-queue-pair.js';

const RECEIVES = 512;
const SENDS = 256;
/** At least every n-th send asks for a completion. */
const SIGNAL_INTERVAL = 32;
/** Completions taken at once. */
const BATCH = 64;
const SLOT_ALIGNMENT = 64;
/** IPv4, TCP and timestamps. */
const TCP_HEADERS = 52;

export class BypassDevice implements StackHost {
  readonly queuePair: ProgramQueuePair;
  /** `begin` found no room, and nobody has been told since that there is some. */
  isStalled = false;
  /** Frames sent meanwhile complete each, so that one can wait until they have left. */
  needsCompletion = false;
  private readonly cq: CompletionQueue;
  private readonly region: MemoryRegion;
  private readonly shared: ProgramShared;
  private readonly sendWork: Cost;
  private readonly receiveWork: Cost;
  private readonly buffer: FrameBuffer;
  private readonly slotSize: number;
  /** Of TCP in a full frame. */
  private readonly payload: number;
  /** Where the region lies in the host's memory, and the IP header in a frame. */
  private readonly physical: number;
  private readonly ipAt: number;
  private readonly stream: RandomStream;
  /** The core's operation while a frame is sent that belongs to none. */
  private readonly saved: ChainTable;
  private sent = 0;
  private signaled = 0;
  private done = 0;
  /** Receives that are to be posted again. */
  private readonly used: RecvWr[] = [];

  private constructor(parts: {
    queuePair: ProgramQueuePair;
    cq: CompletionQueue;
    region: MemoryRegion;
    shared: ProgramShared;
    work: Cost;
    slotSize: number;
    mtu: number;
    isTagged: boolean;
    random: RandomStream;
  }) {
    const { region, shared } = parts;
    this.queuePair = parts.queuePair;
    this.cq = parts.cq;
    this.region = region;
    this.shared = shared;
    this.slotSize = parts.slotSize;
    this.payload = parts.mtu - TCP_HEADERS;
    this.sendWork = half(parts.work);
    this.receiveWork = { ...this.sendWork, ps: (parts.work.ps - this.sendWork.ps) as Cost['ps'] };
    this.physical = shared.regions.physical(region.address, region.length);
    this.ipAt = parts.isTagged ? ETHERNET_LENGTH + VLAN_LENGTH : ETHERNET_LENGTH;
    this.stream = parts.random;
    this.saved = shared.port.page.chains.alike(1);
    this.buffer = { bytes: shared.port.bytes, view: shared.port.view, at: 0 };
  }

  /** `work`: what the library spends on a message in both directions together. */
  static async open(
    core: Core,
    shared: ProgramShared,
    options: { mtu: number; isTagged: boolean; work: Cost; random: RandomStream },
  ): Promise<BypassDevice> {
    const { mtu, isTagged, work, random } = options;
    const longest = mtu + ETHERNET_LENGTH + VLAN_LENGTH;
    const slotSize = Math.ceil(longest / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const memory = await core.allocate((RECEIVES + SENDS) * slotSize);
    const region = await pd.registerMemory(memory, ACCESS.LOCAL_WRITE);
    const cq = await context.createCq(RECEIVES + SENDS);
    const queuePair = await pd.createQp({
      type: 'RAW_PACKET',
      sendCq: cq,
      recvCq: cq,
      cap: {
        maxSendWr: SENDS,
        maxRecvWr: RECEIVES,
        maxInlineData: Math.min(context.attributes.maxInlineData, longest),
      },
    });
    if (!(queuePair instanceof ProgramQueuePair)) throw new Error('a queue pair of another kind');
    await queuePair.modify({ state: 'INIT', port: 1 });
    await queuePair.modify({ state: 'RTR' });
    await queuePair.modify({ state: 'RTS' });
    const parts = { queuePair, cq, region, shared, work, slotSize, mtu, isTagged, random };
    const device = new BypassDevice(parts);
    for (let slot = 0; slot < RECEIVES; slot++) device.giveBack(slot);
    device.postReceives();
    return device;
  }

  /** Bytes of a connection's window: half of the ring, so that no single peer overruns it. */
  get windowMax(): number {
    return (RECEIVES / 2) * this.payload;
  }

  random(): number {
    return this.stream.word();
  }

  begin(): FrameBuffer | undefined {
    if (this.sent - this.done === SENDS) {
      this.isStalled = true;
      return undefined;
    }
    const { buffer } = this;
    buffer.at = this.physical + this.sendOffset;
    return buffer;
  }

  send(length: number, headerLength: number): void {
    const { shared, region, queuePair, sendOffset } = this;
    const { port } = shared;
    const { chains } = port.page;
    const at = this.physical + sendOffset + this.ipAt + IPV4_TOTAL_LENGTH_OFFSET;
    const hasPayload = this.ipAt + port.view.getUint16(at) > headerLength;
    port.spend(this.sendWork, STAGE.stack);
    // An acknowledgement is nobody's operation.
    if (!hasPayload) {
      this.saved.copy(0, chains, OPERATION_ROW);
      chains.clear(OPERATION_ROW);
    }
    this.sent++;
    queuePair.postSend({
      opcode: 'SEND',
      sges: [region.sge(sendOffset, length)],
      signaled: this.signals(),
      inline: length <= queuePair.cap.maxInlineData,
      checksum: true,
      wrId: this.sent,
    });
    if (!hasPayload) {
      chains.copy(OPERATION_ROW, this.saved, 0);
      chains.advance(OPERATION_ROW, STAGE.stack, port.now);
    }
  }

  private signals(): boolean {
    if (!this.needsCompletion && this.sent - this.signaled < SIGNAL_INTERVAL) return false;
    this.signaled = this.sent;
    return true;
  }

  /** Everything whose completion was asked for has left. */
  get isFlushed(): boolean {
    return this.done >= this.signaled;
  }

  /** For `core.any`: completions have come. */
  arrivals(): Awaitable<WorkCompletion[]> {
    return this.cq.polled(BATCH);
  }

  /** One look. */
  look(): Promise<WorkCompletion[]> {
    return this.cq.poll(BATCH);
  }

  wait(): Promise<WorkCompletion[]> {
    return this.cq.busyPoll(BATCH);
  }

  /** Takes one completion: where the frame that it is of lies in `bytes`, or -1 if it is of a send or a failure. */
  take(completion: WorkCompletion): number {
    const { opcode, status, wrId } = completion;
    if (opcode !== 'RECV') {
      if (status === 'SUCCESS') this.done = wrId;
      return -1;
    }
    this.giveBack(wrId);
    if (status !== 'SUCCESS') return -1;
    this.shared.port.spend(this.receiveWork, STAGE.stack);
    return this.physical + wrId * this.slotSize;
  }

  /** Posts what was used. Frames that were taken are gone then. */
  postReceives(): void {
    const { used } = this;
    if (used.length === 0) return;
    this.queuePair.postRecvList(used);
    used.length = 0;
  }

  private giveBack(slot: number): void {
    this.used.push({ wrId: slot, sges: [this.region.sge(slot * this.slotSize, this.slotSize)] });
  }

  private get sendOffset(): number {
    return (RECEIVES + (this.sent % SENDS)) * this.slotSize;
  }
}

/** Half of a cost, rounded up, noise and all. */
function half({ ps, jitter }: Cost): Cost {
  return {
    ps: Math.ceil(ps / 2) as Cost['ps'],
    jitter:
      jitter === null
        ? null
        : {
            mean: jitter.mean / 2,
            tailProbability: jitter.tailProbability / 2,
            tailMean: jitter.tailMean,
          },
  };
}
