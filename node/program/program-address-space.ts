/**
 * The memory calls as a program sees them: mapping, locking, pinning, forking, and memory that may have to be paged in.
 */
import { STAGE } from '../../sim/stages.js';
import type { ChildProcess, DmaMapping, MemoryUsage, PinnedPages, Region } from './verbs.js';
import { VerbsError } from '../spec/verbs-error.js';
import type { ProgramPort } from './program-port.js';

/** The process itself, where a child could be meant. */
const SELF = -1;

export class ProgramAddressSpace {
  private readonly port: ProgramPort;
  /** memcpy, in ps per byte. */
  private readonly copy: number;

  constructor(port: ProgramPort, copy: number) {
    this.port = port;
    this.copy = copy;
  }

  async map(length: number, huge: boolean, populate: boolean): Promise<Region> {
    const answer = await this.port.call('mmap', { length, huge, populate });
    return answer;
  }

  async does(name: 'munmap' | 'mlock' | 'munlock', { address, length }: Region): Promise<void> {
    await this.port.call(name, { address, length });
  }

  async advise({ address, length }: Region, advice: string): Promise<void> {
    await this.port.call('madvise', { address, length, advice });
  }

  async limit(bytes: number): Promise<void> {
    await this.port.call('setrlimitMemlock', { bytes: bytes === Infinity ? -1 : bytes });
  }

  async touch({ address, length }: Region, write: boolean): Promise<void> {
    let done = 0;
    do {
      const rest = { address: address + done, length: length - done };
      const { covered, loads } = await this.port.call('touch', { ...rest, write, child: SELF });
      this.port.pass(loads, STAGE.copy);
      done += covered;
    } while (done < length);
  }

  async pin({ address, length }: Region): Promise<PinnedPages> {
    const { handle, pages } = await this.port.call('pin', { address, length });
    const unpin = async (): Promise<void> => {
      await this.port.call('unpin', { handle });
    };
    return { address, length, pages, unpin };
  }

  async mapForDevice(
    { address, length }: Region,
    write: boolean,
    pin: boolean,
  ): Promise<DmaMapping> {
    const { mapping } = await this.port.call('mapDma', { address, length, write, pin });
    const unmap = async (): Promise<void> => {
      await this.port.call('unmapDma', { mapping });
    };
    return { address, length, unmap };
  }

  async physical(address: number): Promise<number | undefined> {
    const { physical } = await this.port.call('pagemap', { address });
    return physical < 0 ? undefined : physical;
  }

  async usage(): Promise<MemoryUsage> {
    return this.port.call('usage', {});
  }

  async fork(): Promise<ChildProcess> {
    const { child } = await this.port.call('fork', {});
    return {
      read: (address, length) => this.read(address, length, child),
      write: (address, bytes) => this.write(address, bytes, child),
      exit: async () => {
        await this.port.call('exitChild', { child });
      },
    };
  }

  async read(address: number, length: number, child = SELF): Promise<Uint8Array> {
    if (!(length <= this.port.bytes.length * 2)) {
      throw new VerbsError('EINVAL', `cannot read ${length} bytes at once`);
    }
    const bytes = new Uint8Array(Math.max(0, length));
    await this.pieces(address, length, false, child, (physical, size, at) => {
      bytes.set(this.port.bytes.subarray(physical, physical + size), at);
    });
    return bytes;
  }

  async write(address: number, bytes: Uint8Array, child = SELF): Promise<void> {
    await this.pieces(address, bytes.length, true, child, (physical, size, at) => {
      this.port.bytes.set(bytes.subarray(at, at + size), physical);
    });
  }

  /** Has the memory paged in, a part at a time, and hands each piece of it out while it is there. */
  private async pieces(
    address: number,
    length: number,
    write: boolean,
    child: number,
    take: (physical: number, size: number, at: number) => void,
  ): Promise<void> {
    const { port } = this;
    let done = 0;
    do {
      const rest = { address: address + done, length: length - done };
      const { pieces, covered } = await port.call('access', { ...rest, write, child });
      port.pass(Math.ceil(covered * this.copy), STAGE.copy);
      for (let i = 0; i < pieces.length; i += 2) {
        take(pieces[i]!, pieces[i + 1]!, done);
        done += pieces[i + 1]!;
      }
    } while (done < length);
  }
}
