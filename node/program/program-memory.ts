/** What a program knows of its process's memory: where its allocations and regions lie in the host's RAM. */
import type { Lkey, Rkey } from '../../units/keys.js';
import type { RegionPlace } from './mailbox/calls.js';
import { PAGE_SIZE } from '../model/memory/physical-memory.js';
import type { MemoryRegion, ProtectionDomain, Region, RegionChange, Sge } from './verbs.js';
import { VerbsError } from '../spec/verbs-error.js';
import type { ProgramPort } from './program-port.js';

interface Piece extends Region {
  readonly physical: number;
  /** The region that keeps it there; 0 for memory that stays by itself. */
  readonly key: number;
}

export class ProgramMemory {
  private pieces: Piece[] = [];

  /** Memory that lies at `physical` as long as region `key` keeps it there, or for good if that is 0. */
  add(address: number, length: number, physical: number, key = 0): void {
    this.pieces.push({ address, length, physical, key });
  }

  /** The pages of region `key`, wherever they lie. */
  addPlace({ address, length }: Region, { physical, frames }: RegionPlace, key: number): void {
    if (physical >= 0) {
      this.add(address, length, physical, key);
      return;
    }
    const skew = address % PAGE_SIZE;
    for (const [index, frame] of frames.entries()) {
      const from = Math.max(0, index * PAGE_SIZE - skew);
      const to = Math.min(length, (index + 1) * PAGE_SIZE - skew);
      const at = frame * PAGE_SIZE + (index === 0 ? skew : 0);
      this.add(address + from, to - from, at, key);
    }
  }

  /** Region `key` keeps nothing in its place any more. */
  remove(key: number): void {
    this.pieces = this.pieces.filter((piece) => piece.key !== key);
  }

  /**
   * Copies `length` bytes at `address` within `bytes`, the host's memory, to `to`. False if part of it is not known.
   */
  copy(bytes: Uint8Array, address: number, length: number, to: number): boolean {
    let done = 0;
    while (done < length) {
      const at = address + done;
      const piece = this.pieceAt(at);
      if (piece === undefined) return false;
      const from = piece.physical + at - piece.address;
      const size = Math.min(length - done, piece.address + piece.length - at);
      bytes.copyWithin(to + done, from, from + size);
      done += size;
    }
    return true;
  }

  private pieceAt(address: number): Piece | undefined {
    for (const piece of this.pieces) {
      if (address >= piece.address && address < piece.address + piece.length) return piece;
    }
    return undefined;
  }

  /** The physical address of bytes inside one allocation, or -1. */
  physical(address: number, length: number): number {
    for (const piece of this.pieces) {
      const offset = address - piece.address;
      if (offset >= 0 && offset + length <= piece.length) return piece.physical + offset;
    }
    return -1;
  }
}

/** Where a region lies that is none any more. */
const DEREGISTERED = -2;

/** What a region is registered with. */
interface Registration extends RegionPlace {
  readonly key: number;
  /** As SGEs and peers name it. */
  readonly address: number;
}

export class ProgramMemoryRegion implements MemoryRegion {
  address: number;
  length: number;
  readonly lkey: Lkey;
  readonly rkey: Rkey;
  private physical: number;
  private views: { readonly bytes: Uint8Array; readonly data: DataView } | undefined = undefined;
  private readonly port: ProgramPort;
  private readonly memory: ProgramMemory;

  constructor(region: Region, its: Registration, port: ProgramPort, memory: ProgramMemory) {
    this.address = its.address;
    this.length = region.length;
    this.lkey = its.key as Lkey;
    this.rkey = its.key as Rkey;
    this.physical = its.physical;
    this.port = port;
    this.memory = memory;
    memory.addPlace(region, its, its.key);
  }

  get bytes(): Uint8Array {
    return this.view().bytes;
  }

  get data(): DataView {
    return this.view().data;
  }

  sge(offset = 0, length = this.length - offset): Sge {
    return { address: this.address + offset, length, lkey: this.lkey };
  }

  async reregister({ pd, access, region }: RegionChange): Promise<void> {
    const answer = await this.port.call('reregisterMemory', {
      key: this.lkey,
      pd: pd === undefined ? null : (pd as NumberedDomain).pd,
      access: access ?? null,
      address: region?.address ?? null,
      length: region?.length ?? null,
    });
    if (answer === null || region === undefined) return;
    this.address = answer.address;
    this.length = region.length;
    this.physical = answer.physical;
    this.views = undefined;
    this.memory.remove(this.lkey);
    this.memory.addPlace(region, answer, this.lkey);
  }

  async deregister(): Promise<void> {
    await this.port.call('deregisterMemory', { key: this.lkey });
    this.memory.remove(this.lkey);
    this.physical = DEREGISTERED;
    this.views = undefined;
  }

  /** Made once, when they are first wanted. */
  private view(): { readonly bytes: Uint8Array; readonly data: DataView } {
    const { memory } = this.port;
    const { physical, length } = this;
    if (physical === DEREGISTERED) {
      throw new VerbsError(
        'EINVAL',
        'the memory region is deregistered: use core.read, core.write',
      );
    }
    if (physical < 0) {
      throw new VerbsError(
        'EFAULT',
        'no array can show this region: its pages are not adjacent, or not pinned. Use core.read and core.write, or core.allocate',
      );
    }
    this.views ??= {
      bytes: new Uint8Array(memory, physical, length),
      data: new DataView(memory, physical, length),
    };
    return this.views;
  }
}

/** A protection domain of this device. */
interface NumberedDomain extends ProtectionDomain {
  readonly pd: number;
}
