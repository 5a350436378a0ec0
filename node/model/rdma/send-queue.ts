/**
 * A send queue as the NIC sees it: where its entries lie in host memory, and for each slot what the NIC has read of the
 * WQE and done with it. What comes from the shared ring is copied first, then checked, then used.
 * Indices count up for the life of the queue; slot = index modulo depth.
 */
import { LoggedChains } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { addPsn, type Psn } from '../../../units/psn.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import { ACCESS } from './access-flags.js';
import { STATUS } from './completion-entry.js';
import { isAtomic, isReadOrAtomic } from './request-opcodes.js';
import {
  ABSENT,
  piecesOf,
  REFUSED,
  SCATTERED,
  type AddressResolver,
  type HeldFrames,
  type MemoryRegionTable,
  type TakePiece,
} from './memory-region.js';
import type { PageFaults } from './page-faults.js';
import type { QueueSlot } from './queue-slot.js';
import {
  hasInlineRoom,
  hasSgeRoom,
  inlineDataAt,
  MAX_MESSAGE,
  newSendEntry,
  newSgeEntry,
  parseSendEntry,
  parseSge,
  SEND_OPCODE,
  sendSgeAt,
  WQE_FLAG,
  type SendEntry,
} from './work-queue-entry.js';

const MULTIPLE = -2;
/** The generation of data that lies in the WQE itself: no region holds it. */
const INLINE = -1;

export class SendQueue {
  readonly base: number;
  readonly stride: number;
  readonly depth: number;
  /** When the doorbell of each slot arrived, and whether its WQE came with it. */
  readonly arrival: Float64Array;
  readonly cameWithDoorbell: Uint8Array;
  readonly opcode: Uint8Array;
  readonly flags: Uint8Array;
  readonly sgeCount: Uint16Array;
  readonly length: Uint32Array;
  readonly wrId: Float64Array;
  readonly immediate: Uint32Array;
  readonly rkey: Uint32Array;
  readonly remoteAddress: Float64Array;
  readonly firstPsn: Int32Array;
  readonly packets: Int32Array;
  /** Packets that the peer has acknowledged; of a READ, the responses that have arrived. */
  readonly acknowledged: Int32Array;
  /** Physical address of the only SGE's data, and the generation of regions it holds in; MULTIPLE to walk the list. */
  readonly physical: Float64Array;
  readonly generation: Float64Array;
  /** On demand: of each SGE of a slot the frames that its request holds, null for pinned memory. */
  private readonly held: (readonly (HeldFrames | null)[] | undefined)[] = [];
  /** Row `slot` is what the request's time went into. */
  readonly chains: LoggedChains;
  /** What is being read of the queue's memory. */
  private readonly entry = newSendEntry();
  private readonly sge = newSgeEntry();

  constructor(base: number, stride: number, depth: number, log: ChainLog) {
    this.base = base;
    this.stride = stride;
    this.depth = depth;
    this.arrival = new Float64Array(depth);
    this.cameWithDoorbell = new Uint8Array(depth);
    this.opcode = new Uint8Array(depth);
    this.flags = new Uint8Array(depth);
    this.sgeCount = new Uint16Array(depth);
    this.length = new Uint32Array(depth);
    this.wrId = new Float64Array(depth);
    this.immediate = new Uint32Array(depth);
    this.rkey = new Uint32Array(depth);
    this.remoteAddress = new Float64Array(depth);
    this.firstPsn = new Int32Array(depth);
    this.packets = new Int32Array(depth);
    this.acknowledged = new Int32Array(depth);
    this.physical = new Float64Array(depth);
    this.generation = new Float64Array(depth);
    this.chains = new LoggedChains(log, depth);
  }

  slotOf(index: number): QueueSlot {
    return (index % this.depth) as QueueSlot;
  }

  wqeAt(index: number): number {
    return this.base + this.slotOf(index) * this.stride;
  }

  /** WQE `index` as it is in memory now; the record holds until the next is read. */
  entryAt(index: number, memory: PhysicalMemory): Readonly<SendEntry> {
    parseSendEntry(memory.view, this.wqeAt(index), this.entry);
    return this.entry;
  }

  /**
   * Reads WQE `index` from memory, checks what it names, and gives it its PSNs from `psn` on. SUCCESS, or the status
   * that the request completes with: a local buffer that is not the QP's to use is LOC_PROT_ERR (rule 93).
   */
  read(
    index: number,
    psn: Psn,
    mtu: number,
    memory: PhysicalMemory,
    regions: AddressResolver,
    pd: number,
  ): number {
    const slot = this.slotOf(index);
    const at = this.base + slot * this.stride;
    const { entry } = this;
    parseSendEntry(memory.view, at, entry);
    const { opcode, length } = entry;
    this.opcode[slot] = opcode;
    this.flags[slot] = entry.flags;
    this.sgeCount[slot] = entry.sgeCount;
    this.length[slot] = length;
    this.wrId[slot] = entry.wrId;
    this.immediate[slot] = entry.immediate;
    this.rkey[slot] = entry.rkey;
    this.remoteAddress[slot] = entry.remoteAddress;
    this.acknowledged[slot] = 0;
    this.firstPsn[slot] = psn;
    this.packets[slot] = Math.max(1, Math.ceil(length / mtu));
    if (opcode > SEND_OPCODE.ATOMIC_FETCH_AND_ADD || length > MAX_MESSAGE) {
      return STATUS.LOC_QP_OP_ERR;
    }
    if (isAtomic(opcode) && length !== 8) return STATUS.LOC_LEN_ERR;
    if ((entry.flags & WQE_FLAG.inline) !== 0) {
      if (!hasInlineRoom(this.stride, length)) return STATUS.LOC_QP_OP_ERR;
      this.physical[slot] = inlineDataAt(at);
      this.generation[slot] = INLINE;
      return STATUS.SUCCESS;
    }
    if (!hasSgeRoom(this.stride, entry.sgeCount)) return STATUS.LOC_QP_OP_ERR;
    return this.resolve(slot, at, memory, regions, pd);
  }

  /** The PSN behind the last packet of `slot`. */
  psnAfter(slot: QueueSlot): Psn {
    return addPsn(this.firstPsn[slot]! as Psn, this.packets[slot]!);
  }

  lastPsn(slot: QueueSlot): Psn {
    return addPsn(this.firstPsn[slot]! as Psn, this.packets[slot]! - 1);
  }

  /** Where all of slot's local buffer lies, if it is one piece and still is what it was; else MULTIPLE. */
  placeOf(slot: QueueSlot, generation: number): number {
    const its = this.generation[slot]!;
    return its === generation || its === INLINE ? this.physical[slot]! : MULTIPLE;
  }

  /**
   * Calls `take` for each physically adjacent piece of the `length` bytes at `offset` of slot's local buffer.
   * The SGEs were checked when the WQE was read; a region that has gone since then gives false (rule 28). Pages on
   * demand are those that {@link holdPages} found, whatever the process has done with them since.
   */
  gather(
    index: number,
    offset: number,
    length: number,
    memory: PhysicalMemory,
    regions: AddressResolver,
    pd: number,
    take: TakePiece,
  ): boolean {
    const slot = this.slotOf(index);
    const place = this.placeOf(slot, regions.generation);
    if (place !== MULTIPLE) {
      if (length > 0) take(place + offset, length);
      return true;
    }
    const { view } = memory;
    const access = isReadOrAtomic(this.opcode[slot]!) ? ACCESS.LOCAL_WRITE : 0;
    const at = this.wqeAt(index);
    const { sge } = this;
    let skip = offset;
    let left = length;
    for (let i = 0; i < this.sgeCount[slot]! && left > 0; i++) {
      parseSge(view, sendSgeAt(at, i), sge);
      const { length: size, lkey } = sge;
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const piece = Math.min(size - skip, left);
      const address = sge.address + skip;
      const physical = regions.resolve(lkey, pd, address, piece, access);
      const held = this.held[slot]?.[i];
      if (physical >= 0) take(physical, piece);
      else if (physical === REFUSED) return false;
      else if (held) piecesOf(held.frames, held.skew + skip, piece, take);
      else if (physical === SCATTERED) regions.pieces(lkey, address, piece, take);
      else return false;
      left -= piece;
      skip = 0;
    }
    return left === 0;
  }

  /**
   * Keeps the pages on demand that WQE `index` reads, or that are written with what it brings, in memory until
   * {@link letGo}. False, with page faults under way, when some are not there; a region that has gone is found later.
   */
  holdPages(
    index: number,
    memory: PhysicalMemory,
    regions: MemoryRegionTable,
    pd: number,
    faults: PageFaults,
  ): boolean {
    const slot = this.slotOf(index);
    if (this.held[slot] !== undefined || (this.flags[slot]! & WQE_FLAG.inline) !== 0) return true;
    const { view } = memory;
    const writes = isReadOrAtomic(this.opcode[slot]!);
    const held: (HeldFrames | null)[] = [];
    let absent = false;
    for (let i = 0; i < this.sgeCount[slot]!; i++) {
      parseSge(view, sendSgeAt(this.wqeAt(index), i), this.sge);
      const { address, length, lkey: key } = this.sge;
      held.push(null);
      if (length === 0) continue;
      const found = regions.resolve(key, pd, address, length, writes ? ACCESS.LOCAL_WRITE : 0);
      if (found === ABSENT) {
        faults.begin(key, address, length, writes);
        absent = true;
      } else if (found !== REFUSED) {
        held[i] = regions.demandFrames(key, address, length);
      }
    }
    if (absent) return false;
    if (held.every((each) => each === null)) return true;
    for (const each of held) if (each !== null) memory.table.holdAll(each.frames);
    this.held[slot] = held;
    return true;
  }

  /** WQE `index` is done with: what it held may go. */
  letGo(index: number, memory: PhysicalMemory): void {
    const held = this.held[this.slotOf(index)];
    if (held === undefined) return;
    this.held[this.slotOf(index)] = undefined;
    for (const each of held) if (each !== null) memory.table.letGoAll(each.frames);
  }

  /** Lets all go: the queue is reset. */
  letAllGo(memory: PhysicalMemory): void {
    for (let slot = 0; slot < this.held.length; slot++) this.letGo(slot, memory);
  }

  private resolve(
    slot: QueueSlot,
    at: number,
    memory: PhysicalMemory,
    regions: AddressResolver,
    pd: number,
  ): number {
    const { view } = memory;
    const access = isReadOrAtomic(this.opcode[slot]!) ? ACCESS.LOCAL_WRITE : 0;
    let total = 0;
    this.physical[slot] = MULTIPLE;
    this.generation[slot] = regions.generation;
    for (let i = 0; i < this.sgeCount[slot]!; i++) {
      parseSge(view, sendSgeAt(at, i), this.sge);
      const { address, length, lkey: key } = this.sge;
      total += length;
      if (length === 0) continue;
      const physical = regions.resolve(key, pd, address, length, access);
      if (physical === REFUSED) return STATUS.LOC_PROT_ERR;
      if (this.sgeCount[slot] === 1 && physical >= 0) this.physical[slot] = physical;
    }
    return total === this.length[slot] ? STATUS.SUCCESS : STATUS.LOC_QP_OP_ERR;
  }
}
