/**
 * The frames of one process. A slot has a {@link Frame}, room for its bytes, and its chain; a packet's headers become
 * bytes when somebody looks at them.
 *
 *     slot |<--- HEADROOM --->|<--------- payload, padding, ICRC --------->|
 *               ^start        ^payloadAt(slot)                             ^start + length
 *
 * Headers end where the payload begins, so the payload of every slot lies at a fixed, aligned place.
 * A slot belongs to the part that was handed its number last; the owner releases it.
 */
import { LoggedChains } from '../../../sim/chain.js';
import { ChainLog } from '../../../sim/chain-log.js';
import type { RunSpec } from '../../spec/run-spec.js';
import type { FrameSlot } from './frame-slot.js';
import { Frame, WAY_STAGES } from './frame.js';
import { emitHeaders } from './packet-headers.js';

/** Room for Ethernet, VLAN, IPv6, UDP, BTH and every extension header. */
export const HEADROOM = 128;
/** Padding and ICRC. */
const TAILROOM = 8;
/** What counts as headers of a frame that is no RDMA packet: Ethernet, IPv4, and TCP with some options. */
const TRACED_HEADERS = 64;
const SLOTS_PER_SLAB = 1024;

export class FramePool {
  bytes: Uint8Array;
  view: DataView;
  /** By slot, made once. */
  readonly frames: Frame[] = [];
  /** Row `slot` is what the operation's time went into, once its frame's way is settled ({@link settleChain}). */
  readonly chains: LoggedChains;
  /** Where all chains of this process's run are, but for those that it shares with workers. */
  readonly chainLog = new ChainLog();
  /** Views of each slot's payload area at full MTU, made once. */
  readonly payloads: Uint8Array[] = [];

  /** Path MTU of RDMA packets. */
  readonly mtu: number;
  readonly slotSize: number;
  private free: Int32Array;
  private freeCount = 0;

  /** `room`: payload bytes of the longest frame that is no RDMA packet. */
  constructor(mtu: number, slots = SLOTS_PER_SLAB, room = 0) {
    this.mtu = mtu;
    this.slotSize = HEADROOM + Math.ceil((Math.max(mtu, room) + TAILROOM) / 64) * 64;
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
    this.free = new Int32Array(0);
    this.chains = new LoggedChains(this.chainLog, 0);
    this.resize(slots);
  }

  /** The pool of a run's process. */
  static of({ mtu, profile }: Pick<RunSpec, 'mtu' | 'profile'>): FramePool {
    return new FramePool(mtu, SLOTS_PER_SLAB, profile.kernel.mtu);
  }

  get capacity(): number {
    return this.frames.length;
  }

  /** Slots in use. */
  get used(): number {
    return this.capacity - this.freeCount;
  }

  payloadAt(slot: FrameSlot): number {
    return slot * this.slotSize + HEADROOM;
  }

  allocate(): FrameSlot {
    if (this.freeCount === 0) this.resize(this.capacity * 2);
    const slot = this.free[--this.freeCount]! as FrameSlot;
    this.frames[slot]!.begin();
    return slot;
  }

  /** A slot for a frame of `length` bytes that is no RDMA packet: how long its headers are is not looked at. */
  allocateFrame(length: number): FrameSlot {
    const slot = this.allocate();
    const headers = length < TRACED_HEADERS ? length : TRACED_HEADERS;
    const frame = this.frames[slot]!;
    frame.headerLength = headers;
    frame.start = this.payloadAt(slot) - headers;
    frame.length = length;
    return slot;
  }

  /** Somebody is about to look at the bytes of frame `slot`: they are the truth from now on. */
  writeOut(slot: FrameSlot): void {
    const frame = this.frames[slot]!;
    if (frame.written) return;
    frame.written = true;
    emitHeaders(frame, this.bytes, this.view);
  }

  /** Has the row of frame `slot` account for all of its way so far. */
  settleChain(slot: FrameSlot): void {
    this.chains.advanceThrough(slot, WAY_STAGES, this.frames[slot]!.way);
  }

  release(slot: FrameSlot): void {
    this.chains.clear(slot);
    this.free[this.freeCount++] = slot;
  }

  /** A second frame with the same bytes, way, time and chain; its key is still to be given. */
  copy(slot: FrameSlot): FrameSlot {
    this.writeOut(slot);
    this.settleChain(slot);
    const copy = this.allocate();
    const shift = this.payloadAt(copy) - this.payloadAt(slot);
    const frame = this.frames[copy]!;
    const original = this.frames[slot]!;
    const { start, length, headerLength, source, destination, element, time } = original;
    this.bytes.copyWithin(start + shift, start, start + length);
    frame.start = start + shift;
    frame.length = length;
    frame.headerLength = headerLength;
    frame.source = source;
    frame.destination = destination;
    frame.element = element;
    frame.time = time;
    frame.suspect = original.suspect;
    frame.damaged = original.damaged;
    frame.offload = original.offload;
    this.chains.copy(copy, this.chains, slot);
    return copy;
  }

  private resize(slots: number): void {
    const before = this.capacity;
    const bytes = new Uint8Array(slots * this.slotSize);
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.free = widen(this.free, slots);
    while (this.frames.length < slots) this.frames.push(new Frame());
    this.chains.grow(slots);
    this.payloads.length = 0;
    for (let slot = 0; slot < slots; slot++) {
      const at = this.payloadAt(slot as FrameSlot);
      this.payloads.push(bytes.subarray(at, at + this.mtu));
    }
    for (let slot = slots - 1; slot >= before; slot--) this.free[this.freeCount++] = slot;
  }
}

function widen(old: Int32Array, length: number): Int32Array {
  const next = new Int32Array(length);
  next.set(old);
  return next;
}
