/** What a program knows of its process's memory: where its allocations and regions lie in the host's RAM. */
import type { Lkey, Rkey } from '../../units/keys.js';
import type { MemoryRegion, Region, Sge } from '../verbs.js';
import type { ProgramPort } from './program-port.js';

interface Piece extends Region {
  readonly physical: number;
}

export class ProgramMemory {
  private readonly pieces: Piece[] = [];

  add(piece: Piece): void {
    this.pieces.push(piece);
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

export class ProgramMemoryRegion implements MemoryRegion {
  readonly address: number;
  readonly length: number;
  readonly lkey: Lkey;
  readonly rkey: Rkey;
  readonly bytes: Uint8Array;
  readonly data: DataView;
  private readonly port: ProgramPort;

  constructor(region: Region, key: number, physical: number, port: ProgramPort) {
    this.address = region.address;
    this.length = region.length;
    this.lkey = key as Lkey;
    this.rkey = key as Rkey;
    this.bytes = new Uint8Array(port.memory, physical, region.length);
    this.data = new DataView(port.memory, physical, region.length);
    this.port = port;
  }

  sge(offset = 0, length = this.length - offset): Sge {
    return { address: this.address + offset, length, lkey: this.lkey };
  }

  async deregister(): Promise<void> {
    await this.port.call('deregisterMemory', { key: this.lkey });
  }
}
