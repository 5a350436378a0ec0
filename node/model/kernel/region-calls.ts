/**
 * The calls about protection domains and memory regions: what a region pins, what it costs, and which quota it meets.
 */
import type { AddressSpace } from '../memory/address-space.js';
import { NO_FRAME } from '../memory/frame-number.js';
import { firstPage, PAGE, pageCount } from '../memory/page-table.js';
import { HUGE_FRAMES, PAGE_SIZE } from '../memory/physical-memory.js';
import type { Nic } from '../nic.js';
import type { Profile } from '../../spec/profile.js';
import { ACCESS, ACCESS_ALL, ACCESS_OPTIONAL } from '../rdma/access-flags.js';
import { pagesOf, type DemandPages, type RegionEntry } from '../rdma/memory-region.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { CallAnswer, CallArguments, RegionPlace } from '../../program/mailbox/calls.js';
import type { CallBill } from './call-bill.js';
import { mapForKernel, unmapForKernel } from './kernel-mappings.js';
import type { Process, Processes } from './processes.js';

export interface RegionServices {
  readonly profile: Profile;
  readonly nic: Nic;
  readonly processes: Processes;
}

type RegionCallName =
  'allocatePd' | 'deallocatePd' | 'registerMemory' | 'reregisterMemory' | 'deregisterMemory';

type Handlers = {
  readonly [N in RegionCallName]: (
    args: CallArguments<N>,
    core: number,
    bill: CallBill,
  ) => CallAnswer<N>;
};

/** What ibv_reg_mr takes. */
const REGION_ACCESS = ACCESS_ALL | ACCESS.ZERO_BASED | ACCESS.ON_DEMAND | ACCESS_OPTIONAL;
/** From 1 GiB on a region's page tables are cold. */
const COLD_PAGES = 2 ** 30 / PAGE_SIZE;
/** More frames than these are not told to the program. */
const MOST_FRAMES_TOLD = 8192;

interface Translation {
  readonly physical: number;
  readonly frames: Int32Array;
  readonly demand: DemandPages | null;
  readonly huge: boolean;
}

export class RegionCalls {
  private readonly services: RegionServices;
  /** The process of each protection domain. */
  private readonly pds = new Map<number, Process>();
  private nextPd = 1;

  constructor(services: RegionServices) {
    this.services = services;
  }

  /** A handle of another process is as good as none. */
  checkPd(pd: number, core: number): void {
    if (!this.pds.has(pd) || this.pds.get(pd) !== this.services.processes.of(core)) {
      throw new VerbsError('EINVAL', `no protection domain ${pd}`);
    }
  }

  /** A process is over, and its queue pairs are gone. */
  release(process: Process): void {
    const { regions } = this.services.nic.parts;
    for (const [pd, owner] of [...this.pds]) {
      if (owner !== process) continue;
      for (const entry of regions.of(pd)) this.deregister(process, entry);
      this.pds.delete(pd);
    }
  }

  readonly handlers: Handlers = {
    allocatePd: (_args, core) => {
      const pd = this.nextPd++;
      this.pds.set(pd, this.services.processes.of(core));
      return { pd };
    },
    deallocatePd: ({ pd }, core) => {
      const { engine, parts } = this.services.nic;
      this.checkPd(pd, core);
      if (engine.usesPd(pd) || parts.regions.usedBy(pd)) {
        throw new VerbsError('EBUSY', `protection domain ${pd} is in use`);
      }
      this.pds.delete(pd);
      return null;
    },
    registerMemory: (args, core, bill) => this.register(args, core, bill),
    reregisterMemory: (args, core, bill) => this.reregister(args, core, bill),
    deregisterMemory: ({ key }, core, bill) => {
      const process = this.services.processes.of(core);
      const entry = this.own(key, process);
      bill.cost += this.deregister(process, entry);
      if (entry.demand === null) {
        bill.cost += unitsOf(entry) * this.services.profile.cpu.deregisterPage;
      }
      // The published cost has the NIC's command in it, but not what that waits for.
      bill.cost = Math.max(bill.cost, this.services.nic.landingTime);
      return null;
    },
  };

  private register(
    { pd, address, length, access, iova }: CallArguments<'registerMemory'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'registerMemory'> {
    const { nic, processes } = this.services;
    this.checkPd(pd, core);
    const process = processes.of(core);
    checkAccess(access);
    const named = (access & ACCESS.ZERO_BASED) !== 0 ? 0 : (iova ?? address);
    if (iova !== undefined) checkIova(iova, address);
    const pages = this.translate(process, address, length, access, bill);
    const skew = address % PAGE_SIZE;
    const { regions } = nic.parts;
    const entry = regions.add({ pd, address: named, length, access, skew, ...pages });
    return { key: entry.key, address: named, ...placeOf(pages) };
  }

  /** ibv_rereg_mr: all or nothing. What it leaves out stays as it is. */
  private reregister(
    { key, pd, access, address, length }: CallArguments<'reregisterMemory'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'reregisterMemory'> {
    const { nic, processes } = this.services;
    const process = processes.of(core);
    const before = this.own(key, process);
    if (pd !== null) this.checkPd(pd, core);
    const flags = access ?? before.access;
    checkAccess(flags);
    const changed = { pd: pd ?? before.pd, access: flags };
    if (address === null || length === null) {
      if (((flags ^ before.access) & (ACCESS.ON_DEMAND | ACCESS.ZERO_BASED)) !== 0) {
        throw new VerbsError(
          'EINVAL',
          'only a new translation can make a region zero-based or on demand',
        );
      }
      nic.parts.regions.change(key, changed);
      bill.cost += this.services.profile.cpu.register;
      return null;
    }
    const pages = this.translate(process, address, length, flags, bill);
    bill.cost += this.unpin(process, before);
    bill.cost = Math.max(bill.cost, this.services.nic.landingTime);
    const named = (flags & ACCESS.ZERO_BASED) !== 0 ? 0 : address;
    nic.parts.regions.change(key, {
      ...changed,
      address: named,
      skew: address % PAGE_SIZE,
      length,
      ...pages,
    });
    return { address: named, ...placeOf(pages) };
  }

  /** Pins the memory of a region, or on demand just notes whose it is. Charges the process and the core. */
  private translate(
    { space, quota }: Process,
    address: number,
    length: number,
    access: number,
    bill: CallBill,
  ): Translation {
    const { cpu } = this.services.profile;
    if (!Number.isSafeInteger(length) || length < 1) {
      throw new VerbsError('EINVAL', `cannot register ${length} bytes`);
    }
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (!Number.isSafeInteger(address) || !space.table.allMapped(first, count)) {
      throw new VerbsError('EFAULT', `${length} bytes at address ${address} are not mapped`);
    }
    const frames = new Int32Array(count).fill(NO_FRAME);
    bill.cost += cpu.register;
    if ((access & ACCESS.ON_DEMAND) !== 0) {
      const demand = { space, firstPage: first, writable: new Uint8Array(count) };
      return { physical: -1, frames, demand, huge: false };
    }
    // As can_do_mlock() of Linux has it, before anything is counted.
    if (quota.limit === 0) throw new VerbsError('EPERM', 'RLIMIT_MEMLOCK is 0');
    const problem = quota.charge('pinned', count);
    if (problem !== undefined) throw new VerbsError('ENOMEM', problem);
    const start = this.services.nic.parts.scheduler.now;
    const at = space.pin(first, count, start, frames);
    if (at < 0) {
      quota.discharge('pinned', count);
      throw new VerbsError('ENOMEM', space.pager.shortage);
    }
    bill.cost += at - start + this.pageCost(space, first, count);
    const adjacent = frames.every((frame, index) => frame === frames[0]! + index);
    const physical = adjacent ? frames[0]! * PAGE_SIZE + (address % PAGE_SIZE) : -1;
    const huge = (space.table.flagsOf(first) & PAGE.huge) !== 0;
    const { iommu } = this.services.nic.parts;
    if (iommu !== null) {
      bill.cost += mapForKernel(iommu, frames, huge) * this.services.profile.iommu.mapPage;
    }
    return { physical, frames, demand: null, huge };
  }

  /** What the kernel and the NIC take for the pages of a region, pinning included. */
  private pageCost(space: AddressSpace, first: number, count: number): number {
    const { cpu } = this.services.profile;
    const huge = hugePages(space, first, count);
    const perPage = count >= COLD_PAGES ? cpu.registerPageCold : cpu.registerPage;
    return huge > 0 ? huge * cpu.registerHugePage : count * perPage;
  }

  /** What taking it out of the IOMMU costs. */
  private deregister(process: Process, entry: RegionEntry): number {
    this.services.nic.parts.regions.deregister(entry.key);
    return this.unpin(process, entry);
  }

  private unpin({ space, quota }: Process, { frames, demand, huge }: RegionEntry): number {
    if (frames === null || demand !== null) return 0;
    const { nic, profile } = this.services;
    const { iommu } = nic.parts;
    const units = iommu === null ? 0 : unmapForKernel(iommu, frames, huge);
    space.unpin(frames);
    quota.discharge('pinned', frames.length);
    return units * profile.iommu.unmapPage;
  }

  /** The region of this key; another process's is as good as none. */
  private own(key: number, process: Process): RegionEntry {
    const entry = this.services.nic.parts.regions.find(key);
    if (entry === undefined || this.pds.get(entry.pd) !== process) {
      throw new VerbsError('EINVAL', `no region with key ${key}`);
    }
    return entry;
  }
}

function checkAccess(access: number): void {
  if (!Number.isInteger(access) || (access & ~REGION_ACCESS) !== 0) {
    throw new VerbsError('EOPNOTSUPP', `access flags ${access}`);
  }
  const remoteWrites = access & (ACCESS.REMOTE_WRITE | ACCESS.REMOTE_ATOMIC);
  if (remoteWrites !== 0 && (access & ACCESS.LOCAL_WRITE) === 0) {
    throw new VerbsError('EINVAL', 'remote write or atomic access needs local write');
  }
}

/** The NIC maps pages, so an I/O virtual address has the memory's offset in a page (Linux `ib_uverbs_reg_mr`). */
function checkIova(iova: number, address: number): void {
  if (!Number.isSafeInteger(iova) || iova < 0) {
    throw new VerbsError('EINVAL', `an I/O virtual address of ${iova}`);
  }
  if (iova % PAGE_SIZE !== address % PAGE_SIZE) {
    throw new VerbsError(
      'EINVAL',
      `the I/O virtual address 0x${iova.toString(16)} and the memory at 0x${address.toString(16)} ` +
        'have different offsets in their pages',
    );
  }
}

/** Pages of 2 MiB among these pages, which are of one mapping. */
function hugePages({ table }: AddressSpace, first: number, count: number): number {
  if ((table.flagsOf(first) & PAGE.huge) === 0) return 0;
  return Math.floor((first + count - 1) / HUGE_FRAMES) - Math.floor(first / HUGE_FRAMES) + 1;
}

/** Pages that the NIC lets go: of 2 MiB where the region is whole ones of adjacent frames. */
function unitsOf(entry: RegionEntry): number {
  const pages = pagesOf(entry);
  return entry.huge ? Math.ceil(pages / HUGE_FRAMES) : pages;
}

/** For the program, which looks at adjacent memory itself, and copies inline data from scattered memory. */
function placeOf({ physical, frames, demand }: Translation): RegionPlace {
  const tells = physical < 0 && demand === null && frames.length <= MOST_FRAMES_TOLD;
  return { physical, frames: tells ? [...frames] : [] };
}
