/**
 * The calls of user-space drivers about what a device may touch, as VFIO has them; what they learn of physical
 * addresses (UIO's way, /proc/self/pagemap); and what came of either.
 *
 * A process that drives a device itself has one domain of the IOMMU. Its bus addresses are its virtual ones. A mapping
 * that is not pinned holds until the page loses its frame: then it is gone, as with an MMU notifier, and the device
 * faults.
 */
import { EFAULT } from '../memory/address-space.js';
import { NO_FRAME, type FrameNumber } from '../memory/frame-number.js';
import type { FrameListener } from '../memory/frame-table.js';
import { firstPage, PAGE, pageCount, type PageTable } from '../memory/page-table.js';
import { HUGE_FRAMES, PAGE_SIZE } from '../memory/physical-memory.js';
import { MAY_READ, MAY_WRITE, type Iommu } from '../nic/iommu.js';
import type { Nic } from '../nic.js';
import type { Profile } from '../../spec/profile.js';
import { PHYSICAL, type BusMaster } from '../rdma/bus-port.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { CallAnswer, CallArguments } from '../../program/mailbox/calls.js';
import type { CallBill } from './call-bill.js';
import type { MemoryCalls } from './memory-calls.js';
import type { Process, Processes } from './processes.js';

interface DmaServices {
  readonly profile: Profile;
  readonly nic: Nic;
  readonly processes: Processes;
}

type DmaCallName = 'mapDma' | 'unmapDma' | 'iommuFaults' | 'dmaHazards' | 'pagemap' | 'pin';

type Handlers = {
  readonly [N in DmaCallName]: (
    args: CallArguments<N>,
    core: number,
    bill: CallBill,
  ) => CallAnswer<N>;
};

/** Pages that one call maps. */
const MOST_PAGES = 2 ** 18;

interface DmaMapping {
  readonly process: Process;
  readonly first: number;
  readonly frames: Int32Array;
  /** Where each entry begins, negative for one of 2 MiB. */
  readonly starts: readonly number[];
  readonly pinned: boolean;
}

export class DmaCalls implements FrameListener {
  private readonly services: DmaServices;
  private readonly memory: MemoryCalls;
  private readonly domains = new Map<Process, number>();
  private readonly mappings = new Map<number, DmaMapping>();
  private nextMapping = 1;
  /** Pages that are mapped and not pinned, by the number of their process. */
  private readonly loose = new Map<number, Map<number, FrameNumber>>();

  constructor(services: DmaServices, memory: MemoryCalls) {
    this.services = services;
    this.memory = memory;
    services.nic.parts.memory.table.listeners.push(this);
  }

  /** What a queue pair of core `core` that is given bus addresses may touch. */
  master(core: number): BusMaster {
    const process = this.services.processes.of(core);
    const { iommu } = this.services.nic.parts;
    const domain = iommu === null ? PHYSICAL : this.domainOf(process, iommu);
    return { process: process.number, domain };
  }

  /** A process is over, and its queue pairs are gone. */
  release(process: Process): void {
    for (const [handle, { process: its }] of [...this.mappings]) {
      if (its === process) this.unmap(handle);
    }
    const domain = this.domains.get(process);
    if (domain !== undefined) this.services.nic.parts.iommu!.destroyDomain(domain);
    this.domains.delete(process);
    this.services.nic.lookups.forget(process.number);
  }

  frameReplaced(frame: FrameNumber, owner: number, page: number): void {
    const pages = this.loose.get(owner);
    if (pages?.get(page) !== frame) return;
    pages.delete(page);
    const { nic, processes, profile } = this.services;
    const process = processes.all[owner]!;
    nic.parts.iommu!.unmap(this.domains.get(process)!, page * PAGE_SIZE);
    // The allocation waits until the device can no longer use the frame.
    process.space.pager.at += profile.iommu.unmapPage;
  }

  readonly handlers: Handlers = {
    mapDma: (args, core, bill) => this.map(args, core, bill),
    unmapDma: ({ mapping }, core, bill) => {
      const entry = this.mappings.get(mapping);
      if (entry?.process !== this.services.processes.of(core)) {
        throw new VerbsError('EINVAL', `no mapping ${mapping}`);
      }
      bill.cost += entry.starts.length * this.services.profile.iommu.unmapPage;
      this.unmap(mapping);
      return null;
    },
    iommuFaults: (_args, core) => {
      const { iommu } = this.services.nic.parts;
      const domain = this.domains.get(this.services.processes.of(core));
      if (iommu === null || domain === undefined) return { faults: [] };
      return { faults: iommu.takeFaults(domain) };
    },
    dmaHazards: () => ({ hazards: this.services.nic.hazards.records }),
    pagemap: (args, core, bill) => {
      const answer = this.memory.handlers.pagemap(args, core, bill);
      const { physical } = answer;
      if (physical >= 0) this.noteFrame(core, physical, firstPage(args.address));
      return answer;
    },
    pin: (args, core, bill) => {
      const answer = this.memory.handlers.pin(args, core, bill);
      const first = firstPage(args.address);
      answer.pages.forEach((physical, i) => {
        this.noteFrame(core, physical, first + i);
      });
      return answer;
    },
  };

  /** The driver of core `core` was told that its page is at `physical`. */
  private noteFrame(core: number, physical: number, page: number): void {
    const { nic, processes } = this.services;
    const frame = Math.floor(physical / PAGE_SIZE) as FrameNumber;
    nic.lookups.note(processes.of(core).number, frame, page);
  }

  private domainOf(process: Process, iommu: Iommu): number {
    let domain = this.domains.get(process);
    if (domain !== undefined) return domain;
    domain = iommu.createDomain();
    if (domain < 0) throw new VerbsError('ENOMEM', 'the IOMMU has no more domains');
    this.domains.set(process, domain);
    return domain;
  }

  private map(
    { address, length, write, pin }: CallArguments<'mapDma'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'mapDma'> {
    const { nic, processes, profile } = this.services;
    const { iommu } = nic.parts;
    if (iommu === null) throw new VerbsError('EOPNOTSUPP', 'this host has no IOMMU');
    const process = processes.of(core);
    const { space, quota } = process;
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (!Number.isSafeInteger(address) || !(length > 0) || !(count <= MOST_PAGES)) {
      throw new VerbsError('EINVAL', `cannot map ${length} bytes at address ${address}`);
    }
    const domain = this.domainOf(process, iommu);
    for (let page = first; page < first + count; page++) {
      if (iommu.translate(domain, page * PAGE_SIZE, 0) >= 0) {
        throw new VerbsError('EEXIST', `0x${(page * PAGE_SIZE).toString(16)} is mapped already`);
      }
    }
    const problem = pin ? quota.charge('locked', count) : undefined;
    if (problem !== undefined) throw new VerbsError('ENOMEM', problem);
    const frames = new Int32Array(count);
    const start = nic.parts.scheduler.now;
    const at = pin
      ? space.pin(first, count, start, frames)
      : this.populate(process, first, frames, start);
    if (at < 0) {
      if (pin) quota.discharge('locked', count);
      if (at === EFAULT) throw new VerbsError('EFAULT', `${length} bytes are not mapped`);
      throw new VerbsError('ENOMEM', space.pager.shortage);
    }
    const access = write ? MAY_READ | MAY_WRITE : MAY_READ;
    const starts: number[] = [];
    for (let i = 0; i < count;) {
      const huge = isHuge(first, space.table, frames, i);
      const from = (first + i) * PAGE_SIZE;
      if (frames[i] !== NO_FRAME) iommu.map(domain, from, frames[i]! * PAGE_SIZE, access, huge);
      starts.push(huge ? -from : from);
      i += huge ? HUGE_FRAMES : 1;
    }
    bill.cost += at - start + starts.length * profile.iommu.mapPage;
    if (pin) bill.cost += count * profile.memory.pinPage;
    const mapping = this.nextMapping++;
    this.mappings.set(mapping, { process, first, frames, starts, pinned: pin });
    if (!pin) this.note(process, first, frames);
    return { mapping };
  }

  /** Makes pages present, where they are for now; when that is done, or what is wrong. */
  private populate(process: Process, first: number, frames: Int32Array, start: number): number {
    const { space } = process;
    let at = start;
    for (let i = 0; i < frames.length; i++) {
      at = space.faultIn(first + i, true, at);
      if (at < 0) return at;
      frames[i] = space.table.frameOf(first + i);
    }
    // Making the last may have taken the first.
    for (let i = 0; i < frames.length; i++) {
      if (space.table.frameOf(first + i) !== frames[i]) frames[i] = NO_FRAME;
    }
    return at;
  }

  private note(process: Process, first: number, frames: Int32Array): void {
    let pages = this.loose.get(process.number);
    if (pages === undefined) {
      pages = new Map<number, FrameNumber>();
      this.loose.set(process.number, pages);
    }
    frames.forEach((frame, i) => {
      if (frame !== NO_FRAME) pages.set(first + i, frame as FrameNumber);
    });
  }

  private unmap(handle: number): void {
    const { process, first, frames, starts, pinned } = this.mappings.get(handle)!;
    const iommu = this.services.nic.parts.iommu!;
    const domain = this.domains.get(process)!;
    this.mappings.delete(handle);
    if (!pinned) {
      const pages = this.loose.get(process.number);
      for (let page = first; page < first + frames.length; page++) {
        if (pages?.delete(page) === true) iommu.unmap(domain, page * PAGE_SIZE);
      }
      return;
    }
    for (const at of starts) iommu.unmap(domain, Math.abs(at), at < 0);
    process.space.unpin(frames);
    process.quota.discharge('locked', frames.length);
  }
}

/** Whether page `i` of `frames`, which begin at page `first`, begins one of 2 MiB that is in them as a whole. */
const isHuge = (first: number, table: PageTable, frames: Int32Array, i: number): boolean =>
  frames[i]! % HUGE_FRAMES === 0 &&
  (first + i) % HUGE_FRAMES === 0 &&
  i + HUGE_FRAMES <= frames.length &&
  (table.flagsOf(first + i) & PAGE.huge) !== 0;
