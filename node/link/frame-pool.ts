/**
 * The frames of one process: every packet is its genuine bytes in a slot, with its owner, its time and its chain.
 *
 *     slot |<--- HEADROOM --->|<--------- payload, padding, ICRC --------->|
 *               ^start[slot]  ^payloadAt(slot)                             ^start + length
 *
 * Headers end where the payload begins, so the payload of every slot lies at a fixed, aligned place.
 * A slot belongs to whoever was handed its number last; who has done with it frees it.
 */
import { ChainTable } from '../../sim/chain.js';
import type { RunSpec } from '../run-spec.js';

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
  /** Offset of the frame's first byte (Ethernet destination) in `bytes`. */
  start: Int32Array;
  /** Bytes of the frame, from the Ethernet header to the ICRC. */
  length: Int32Array;
  /** Bytes of its headers: payload begins at start + headerLength. */
  headerLength: Int32Array;
  source: Int32Array;
  destination: Int32Array;
  /** When it reaches the next element, in ps, and the key that decides ties there. */
  time: Float64Array;
  key: Float64Array;
  /** Non-zero: its ICRC must be computed and checked, because its bytes may have been changed. */
  suspect: Uint8Array;
  /** Non-zero: whoever sent it leaves the checksums of TCP and UDP to the NIC. */
  offload: Uint8Array;
  /** Row `slot` is what the operation's time went into until `time`. */
  chains: ChainTable;
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
    this.start = this.length = this.headerLength = new Int32Array(0);
    this.source = this.destination = this.free = new Int32Array(0);
    this.time = this.key = new Float64Array(0);
    this.suspect = this.offload = new Uint8Array(0);
    this.chains = new ChainTable(0);
    this.resize(slots);
  }

  /** The pool of a run's process. */
  static of({ mtu, profile }: Pick<RunSpec, 'mtu' | 'profile'>): FramePool {
    return new FramePool(mtu, SLOTS_PER_SLAB, profile.kernel.mtu);
  }

  get capacity(): number {
    return this.start.length;
  }

  /** Slots in use. */
  get used(): number {
    return this.capacity - this.freeCount;
  }

  payloadAt(slot: number): number {
    return slot * this.slotSize + HEADROOM;
  }

  allocate(): number {
    if (this.freeCount === 0) this.resize(this.capacity * 2);
    const slot = this.free[--this.freeCount]!;
    this.suspect[slot] = 0;
    this.offload[slot] = 0;
    return slot;
  }

  /** A slot for a frame of `length` bytes that is no RDMA packet: how long its headers are is not looked at. */
  allocateFrame(length: number): number {
    const slot = this.allocate();
    const headers = length < TRACED_HEADERS ? length : TRACED_HEADERS;
    this.headerLength[slot] = headers;
    this.start[slot] = this.payloadAt(slot) - headers;
    this.length[slot] = length;
    return slot;
  }

  release(slot: number): void {
    this.free[this.freeCount++] = slot;
  }

  /** A second frame with the same bytes, way, time and chain; its key is still to be given. */
  copy(slot: number): number {
    const copy = this.allocate();
    const shift = this.payloadAt(copy) - this.payloadAt(slot);
    const start = this.start[slot]!;
    this.bytes.copyWithin(start + shift, start, start + this.length[slot]!);
    this.start[copy] = start + shift;
    this.length[copy] = this.length[slot]!;
    this.headerLength[copy] = this.headerLength[slot]!;
    this.source[copy] = this.source[slot]!;
    this.destination[copy] = this.destination[slot]!;
    this.time[copy] = this.time[slot]!;
    this.suspect[copy] = this.suspect[slot]!;
    this.offload[copy] = this.offload[slot]!;
    this.chains.copy(copy, this.chains, slot);
    return copy;
  }

  private resize(slots: number): void {
    const before = this.capacity;
    const bytes = new Uint8Array(slots * this.slotSize);
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.start = widen(this.start, slots);
    this.length = widen(this.length, slots);
    this.headerLength = widen(this.headerLength, slots);
    this.source = widen(this.source, slots);
    this.destination = widen(this.destination, slots);
    this.free = widen(this.free, slots);
    this.time = widen(this.time, slots);
    this.key = widen(this.key, slots);
    this.suspect = widen(this.suspect, slots);
    this.offload = widen(this.offload, slots);
    const chains = new ChainTable(slots);
    chains.cells.set(this.chains.cells);
    this.chains = chains;
    this.payloads.length = 0;
    for (let slot = 0; slot < slots; slot++) {
      const at = this.payloadAt(slot);
      this.payloads.push(bytes.subarray(at, at + this.mtu));
    }
    for (let slot = slots - 1; slot >= before; slot--) this.free[this.freeCount++] = slot;
  }
}

function widen<T extends Int32Array | Float64Array | Uint8Array>(old: T, length: number): T {
  const next = new (old.constructor as new (length: number) => T)(length);
  next.set(old);
  return next;
}
