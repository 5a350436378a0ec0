/** The calls about protection domains and memory regions: what a region pins, what it costs, and which quota it meets. */
import { EFAULT } from '../memory/address-space.js';
import { firstPage, pageCount } from '../memory/page-table.js';
import { PAGE_SIZE } from '../memory/physical-memory.js';
import type { Nic } from '../nic/nic.js';
import type { Profile } from '../profile.js';
import {
  ACCESS_ALL,
  ACCESS_LOCAL_WRITE,
  ACCESS_REMOTE_ATOMIC,
  ACCESS_REMOTE_WRITE,
  pagesOf,
} from '../rdma/memory-region.js';
import { VerbsError } from '../verbs-error.js';
import type { CallAnswer, CallArguments } from './calls.js';
import type { Process, Processes } from './processes.js';

export interface RegionServices {
  readonly profile: Profile;
  readonly nic: Nic;
  readonly processes: Processes;
}

type RegionCallName = 'allocatePd' | 'deallocatePd' | 'registerMemory' | 'deregisterMemory';

type Handlers = {
  readonly [N in RegionCallName]: (args: CallArguments<N>, core: number) => CallAnswer<N>;
};

export class RegionCalls {
  /** What the call just executed cost beyond the system call, in ps. */
  cost = 0;
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
      for (const { key } of regions.of(pd)) this.deregister(process, key);
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
      const used = engine.queuePairs.some((qp) => qp?.pd === pd) || engine.raw.usedBy(pd);
      if (used || parts.regions.usedBy(pd)) {
        throw new VerbsError('EBUSY', `protection domain ${pd} is in use`);
      }
      this.pds.delete(pd);
      return null;
    },
    registerMemory: (args, core) => this.register(args, core),
    deregisterMemory: ({ key }, core) => {
      const entry = this.services.nic.parts.regions.find(key);
      const process = this.services.processes.of(core);
      if (entry === undefined || this.pds.get(entry.pd) !== process) {
        throw new VerbsError('EINVAL', `no region with key ${key}`);
      }
      this.deregister(process, key);
      this.cost = pagesOf(entry) * this.services.profile.cpu.deregisterPage;
      return null;
    },
  };

  private register(
    { pd, address, length, access }: CallArguments<'registerMemory'>,
    core: number,
  ): CallAnswer<'registerMemory'> {
    const { nic, profile, processes } = this.services;
    this.checkPd(pd, core);
    if ((access & ~ACCESS_ALL) !== 0) {
      throw new VerbsError('EOPNOTSUPP', `access flags 0x${access.toString(16)}`);
    }
    const remoteWrites = access & (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_ATOMIC);
    if (remoteWrites !== 0 && (access & ACCESS_LOCAL_WRITE) === 0) {
      throw new VerbsError('EINVAL', 'remote write or atomic access needs local write');
    }
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new VerbsError('EINVAL', `cannot register ${length} bytes`);
    }
    const { space, quota } = processes.of(core);
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (!Number.isSafeInteger(address) || !space.table.allMapped(first, count)) {
      throw new VerbsError('EFAULT', `${length} bytes at 0x${address.toString(16)} are not mapped`);
    }
    const problem = quota.charge('pinned', count);
    if (problem !== undefined) throw new VerbsError('ENOMEM', problem);
    const frames = new Int32Array(count);
    const start = nic.parts.scheduler.now;
    const at = space.pin(first, count, start, frames);
    if (at < 0) {
      quota.discharge('pinned', count);
      throw new VerbsError(at === EFAULT ? 'EFAULT' : 'ENOMEM', space.pager.shortage);
    }
    const physical = frames[0]! * PAGE_SIZE + (address % PAGE_SIZE);
    const entry = nic.parts.regions.register(pd, address, length, access, physical, frames);
    this.cost = at - start + profile.cpu.register + count * profile.cpu.registerPage;
    return { key: entry.key, physical };
  }

  private deregister({ space, quota }: Process, key: number): void {
    const { regions } = this.services.nic.parts;
    const { frames } = regions.find(key)!;
    regions.deregister(key);
    if (frames === null) return;
    space.unpin(frames);
    quota.discharge('pinned', frames.length);
  }
}
