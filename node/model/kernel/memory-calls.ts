/**
 * The calls that are about memory: mapping, touching, locking, pinning and forking, with the errno that Linux gives.
 * A call acts on the memory of the process that its core runs, and of its children, and reaches no other's.
 */
import { draw } from '../../../sim/cost.js';
import type { RandomStream } from '../../../sim/random.js';
import { EFAULT, FAULT, type AddressSpace } from '../memory/address-space.js';
import { NO_FRAME, type FrameNumber } from '../memory/frame-number.js';
import type { FrameTable } from '../memory/frame-table.js';
import { firstPage, PAGE, pageCount, USER_BASE } from '../memory/page-table.js';
import { HUGE_FRAMES, PAGE_SIZE } from '../memory/physical-memory.js';
import type { Profile } from '../../spec/profile.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { CallAnswer, CallArguments, CallName } from '../../program/mailbox/calls.js';
import type { CallBill } from './call-bill.js';
import type { Process, Processes } from './processes.js';

/** Pages that one access covers, and page faults that it takes, before the core goes on: others have their turn. */
const ACCESS_PAGES = 1024;
const ACCESS_FAULTS = 64;
/** RLIMIT_AS: 64 GiB of addresses. */
const MOST_PAGES = 2 ** 24;
/** Pages that one call of `pin` takes: its answer names each. */
const MAX_PIN_PAGES = 8192;

export interface MemoryServices {
  readonly profile: Profile;
  readonly processes: Processes;
  readonly frames: FrameTable;
  readonly random: RandomStream;
  now(): number;
}

type MemoryCallName = Extract<
  CallName,
  | 'allocate'
  | 'translate'
  | 'mmap'
  | 'munmap'
  | 'mlock'
  | 'munlock'
  | 'madvise'
  | 'setrlimitMemlock'
  | 'access'
  | 'touch'
  | 'pin'
  | 'unpin'
  | 'pagemap'
  | 'usage'
  | 'fork'
  | 'exitChild'
>;

type Handlers = {
  readonly [N in MemoryCallName]: (
    args: CallArguments<N>,
    core: number,
    bill: CallBill,
  ) => CallAnswer<N>;
};

/** Bytes that a core reads, or writes. */
interface Range {
  readonly address: number;
  readonly length: number;
  readonly write: boolean;
}

interface DriverPin {
  readonly process: Process;
  readonly frames: Int32Array;
}

export class MemoryCalls {
  private readonly services: MemoryServices;
  private readonly pins = new Map<number, DriverPin>();
  private nextPin = 1;
  /** Frames that a core was told of and uses in the segment that follows, by core. */
  private readonly held: (FrameNumber[] | undefined)[] = [];

  constructor(services: MemoryServices) {
    this.services = services;
  }

  /** Core `core` has ended its segment: what it was told of may change place. */
  segmentEnded(core: number): void {
    const held = this.held[core];
    if (held === undefined || held.length === 0) return;
    for (const frame of held) this.services.frames.letGo(frame);
    held.length = 0;
  }

  /** A process is over: nothing of it stays pinned. */
  release(process: Process): void {
    for (const [handle, pin] of [...this.pins]) if (pin.process === process) this.unpin(handle);
    this.services.processes.end(process);
  }

  readonly handlers: Handlers = {
    allocate: ({ length }, core) => {
      if (!Number.isSafeInteger(length) || length < 0) {
        throw new VerbsError('EINVAL', `cannot allocate ${length} bytes`);
      }
      const { space } = this.process(core);
      const address = space.allocate(length, this.services.now());
      if (address === undefined) {
        throw new VerbsError('ENOMEM', `the host has no ${length} bytes of memory left`);
      }
      return { address, length, physical: space.translate(address, length) };
    },
    translate: ({ address, length }, core) => {
      checkRange(address, length);
      const physical = this.process(core).space.translate(address, length);
      if (physical < 0) {
        throw new VerbsError('EFAULT', `${where(address, length)} is not mapped, or not pinned`);
      }
      return { physical };
    },
    mmap: (args, core, bill) => this.mmap(args, core, bill),
    munmap: ({ address, length }, core) => {
      const { space, quota } = this.process(core);
      const [begin, asked] = this.pages(address, length, 'unmap');
      const first = Math.max(begin, firstPage(USER_BASE));
      const count = Math.max(0, Math.min(begin + asked, space.table.end) - first);
      for (let page = first; page < first + count; page++) {
        const flags = space.table.flagsOf(page);
        if ((flags & PAGE.fixed) !== 0 && (flags & PAGE.huge) === 0) {
          throw new VerbsError(
            'EINVAL',
            'memory from allocate() stays mapped until the process ends',
          );
        }
      }
      checkHuge(space, first, count);
      quota.discharge('locked', this.unlockPages(space, first, count));
      space.unmap(first, count);
      return null;
    },
    mlock: ({ address, length }, core, bill) => {
      this.mlock(this.process(core), address, length, bill);
      return null;
    },
    munlock: ({ address, length }, core) => {
      const { space, quota } = this.process(core);
      const [first, count] = this.mapped(space, address, length);
      quota.discharge('locked', this.unlockPages(space, first, count));
      return null;
    },
    madvise: (args, core) => {
      this.madvise(args, core);
      return null;
    },
    setrlimitMemlock: ({ bytes }, core) => {
      const { quota } = this.process(core);
      if (typeof bytes !== 'number' || !(bytes >= -1)) {
        throw new VerbsError('EINVAL', `a limit of ${bytes} bytes`);
      }
      const pages = bytes < 0 ? Infinity : Math.floor(bytes / PAGE_SIZE);
      if (pages > quota.hard) {
        throw new VerbsError('EPERM', `${pages} pages exceed the hard limit of ${quota.hard}`);
      }
      quota.limit = pages;
      return null;
    },
    access: (args, core, bill) => this.access(args, core, bill),
    touch: ({ address, length, write, child }, core, bill) => {
      let pages = 0;
      const { space } = this.process(core, child);
      const covered = this.visit(space, { address, length, write }, bill, () => pages++);
      return { covered, loads: pages * this.services.profile.cache.memoryLine };
    },
    pin: (args, core, bill) => this.pin(args, core, bill),
    unpin: ({ handle }, core, bill) => {
      const pin = this.pins.get(handle);
      if (pin?.process !== this.process(core)) {
        throw new VerbsError('EINVAL', `nothing is pinned under ${handle}`);
      }
      this.unpin(handle);
      bill.cost += pin.frames.length * this.services.profile.memory.unpinPage;
      return null;
    },
    pagemap: ({ address }, core) => {
      if (!Number.isSafeInteger(address)) throw new VerbsError('EINVAL', `address ${address}`);
      const frame = this.process(core).space.table.frameOf(firstPage(address));
      return { physical: frame === NO_FRAME ? -1 : frame * PAGE_SIZE + (address % PAGE_SIZE) };
    },
    usage: (_args, core, bill) => {
      bill.entered = false;
      const { space, quota } = this.process(core);
      const { minorFaults, majorFaults, resident, swapped } = space;
      const { pinned, locked } = quota;
      return { minorFaults, majorFaults, resident, swapped, pinned, locked };
    },
    fork: (_args, core, bill) => {
      const { processes } = this.services;
      const at = this.services.now();
      const forked = processes.fork(this.process(core), at);
      if (forked === undefined) throw new VerbsError('ENOMEM', 'no memory to copy pinned pages to');
      bill.cost += forked.at - at;
      return { child: forked.child.number };
    },
    exitChild: ({ child }, core) => {
      if (child === -1) throw new VerbsError('ESRCH', 'a process is not its own child');
      this.release(this.process(core, child));
      return null;
    },
  };

  /** The process of core `core`, or the child of it that is meant. */
  private process(core: number, child = -1): Process {
    const { processes } = this.services;
    const own = processes.of(core);
    if (child === -1) return own;
    const process = processes.all[child];
    if (process === undefined || process.parent !== own || process.running === 0) {
      throw new VerbsError('ESRCH', `process ${child} is not a running child of this process`);
    }
    return process;
  }

  private mmap(
    { length, huge, populate }: CallArguments<'mmap'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'mmap'> {
    const { space } = this.process(core);
    if (!Number.isSafeInteger(length) || length <= 0) {
      throw new VerbsError('EINVAL', `cannot map ${length} bytes`);
    }
    const pages = Math.ceil(length / PAGE_SIZE);
    const { pager } = space;
    // As Linux's heuristic overcommit does: more than there could ever be is refused at once.
    const most = pager.range.count + (huge ? 0 : pager.swap.capacity);
    if (pages > most) {
      throw new VerbsError('ENOMEM', `${pages} pages exceed the total of ${most}`);
    }
    if (space.table.mapped + pages > MOST_PAGES) {
      throw new VerbsError('ENOMEM', `a process maps at most ${MOST_PAGES} pages`);
    }
    const address = space.map(pages, huge);
    const mapped = (huge ? Math.ceil(pages / HUGE_FRAMES) * HUGE_FRAMES : pages) * PAGE_SIZE;
    // MAP_POPULATE that runs out of memory leaves the rest for later.
    if (populate) this.populate(space, firstPage(address), mapped / PAGE_SIZE, bill);
    return { address, length: mapped };
  }

  private mlock(process: Process, address: number, length: number, bill: CallBill): void {
    const { space, quota } = process;
    const [first, count] = this.mapped(space, address, length);
    let more = 0;
    for (let page = first; page < first + count; page++) {
      if ((space.table.flagsOf(page) & PAGE.locked) === 0) more++;
    }
    if (quota.limit === 0) throw new VerbsError('EPERM', 'RLIMIT_MEMLOCK is 0');
    const problem = quota.charge('locked', more);
    if (problem !== undefined) throw new VerbsError('ENOMEM', problem);
    for (let page = first; page < first + count; page++) space.lock(page);
    if (!this.populate(space, first, count, bill)) {
      throw new VerbsError('EAGAIN', space.pager.shortage);
    }
  }

  private madvise({ address, length, advice }: CallArguments<'madvise'>, core: number): void {
    const { space } = this.process(core);
    if (length === 0 && address % PAGE_SIZE === 0) return;
    const [first, count] = this.pages(address, length, 'advise about');
    if (!space.table.allMapped(first, count)) {
      throw new VerbsError('ENOMEM', `${where(address, length)} is not mapped completely`);
    }
    if (advice === 'DONTFORK' || advice === 'DOFORK') {
      for (let page = first; page < first + count; page++) {
        if (advice === 'DONTFORK') space.table.set(page, PAGE.dontFork);
        else space.table.clear(page, PAGE.dontFork);
      }
      return;
    }
    if (advice !== 'DONTNEED') throw new VerbsError('EINVAL', `no advice ${advice}`);
    checkHuge(space, first, count);
    for (let page = first; page < first + count; page++) {
      const flags = space.table.flagsOf(page);
      const stays = (flags & PAGE.fixed) !== 0 && (flags & PAGE.huge) === 0;
      if (stays || (flags & PAGE.locked) !== 0) {
        throw new VerbsError(
          'EINVAL',
          `${where(address, length)} is locked, or comes from allocate()`,
        );
      }
    }
    space.discard(first, count);
  }

  /** Makes pages present for the core to read or write in its next segment; tells where they are. */
  private access(
    { address, length, write, child }: CallArguments<'access'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'access'> {
    const { space } = this.process(core, child);
    const pieces: number[] = [];
    const held = (this.held[core] ??= []);
    const covered = this.visit(space, { address, length, write }, bill, (frame, offset, size) => {
      held.push(frame);
      this.services.frames.hold(frame);
      const physical = frame * PAGE_SIZE + offset;
      const last = pieces.length - 2;
      if (last >= 0 && pieces[last]! + pieces[last + 1]! === physical) pieces[last + 1]! += size;
      else pieces.push(physical, size);
    });
    return { pieces, covered };
  }

  /**
   * Uses the pages of a range one after the other, up to one that had to be read from swap, or a number of faults: then
   * the core has to wait, and comes back for the rest. How many bytes were covered. EFAULT when any of them is not
   * mapped.
   */
  private visit(
    space: AddressSpace,
    { address, length, write }: Range,
    bill: CallBill,
    take: (frame: FrameNumber, offset: number, size: number) => void,
  ): number {
    checkRange(address, length);
    bill.entered = false;
    if (length === 0) return 0;
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (!space.table.allMapped(first, Math.min(count, ACCESS_PAGES))) {
      throw new VerbsError('EFAULT', `${where(address, length)} is not mapped`);
    }
    const start = this.services.now();
    let at = start;
    let faults = 0;
    let covered = 0;
    for (let page = first; page < first + Math.min(count, ACCESS_PAGES); page++) {
      const done = space.faultIn(page, write, at);
      if (done < 0) {
        if (covered > 0) break;
        throw new VerbsError('ENOMEM', space.pager.shortage);
      }
      const fault = space.lastFault;
      const waited = fault === FAULT.major || (fault === FAULT.none && done > at);
      at = fault === FAULT.none ? done : done + this.trap();
      const offset = page === first ? address % PAGE_SIZE : 0;
      const size = Math.min(PAGE_SIZE - offset, length - covered);
      covered += size;
      take(space.table.frameOf(page), offset, size);
      if (waited || (fault === FAULT.minor && ++faults === ACCESS_FAULTS)) break;
    }
    bill.cost += at - start;
    return covered;
  }

  private pin(
    { address, length }: CallArguments<'pin'>,
    core: number,
    bill: CallBill,
  ): CallAnswer<'pin'> {
    const process = this.process(core);
    const { space, quota } = process;
    checkRange(address, length);
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (length === 0 || count > MAX_PIN_PAGES) {
      throw new VerbsError('EINVAL', `cannot pin ${length} bytes at once`);
    }
    const problem = quota.charge('locked', count);
    if (problem !== undefined) throw new VerbsError('ENOMEM', problem);
    const frames = new Int32Array(count);
    const start = this.services.now();
    const at = space.pin(first, count, start, frames);
    if (at < 0) {
      quota.discharge('locked', count);
      if (at === EFAULT) throw new VerbsError('EFAULT', `${where(address, length)} is not mapped`);
      throw new VerbsError('ENOMEM', space.pager.shortage);
    }
    bill.cost += at - start + count * this.services.profile.memory.pinPage;
    const handle = this.nextPin++;
    this.pins.set(handle, { process, frames });
    return { handle, pages: Array.from(frames, (frame) => frame * PAGE_SIZE) };
  }

  private unpin(handle: number): void {
    const { process, frames } = this.pins.get(handle)!;
    this.pins.delete(handle);
    process.space.unpin(frames);
    process.quota.discharge('locked', frames.length);
  }

  /** Faults pages in on behalf of a system call. False when memory runs out. */
  private populate(space: AddressSpace, first: number, count: number, bill: CallBill): boolean {
    const start = this.services.now();
    let at = start;
    for (let page = first; page < first + count; page++) {
      const done = space.faultIn(page, true, at);
      if (done < 0) {
        bill.cost += at - start;
        return false;
      }
      at = done;
    }
    bill.cost += at - start;
    return true;
  }

  private unlockPages(space: AddressSpace, first: number, count: number): number {
    let unlocked = 0;
    for (let page = first; page < first + count; page++) {
      if ((space.table.flagsOf(page) & PAGE.locked) === 0) continue;
      space.unlock(page);
      unlocked++;
    }
    return unlocked;
  }

  /** Entering and leaving the kernel for a page fault. */
  private trap(): number {
    return draw(this.services.profile.cpu.syscall, this.services.random);
  }

  /** The pages of a range that must begin at a page and hold something. */
  private pages(address: number, length: number, verb: string): [first: number, count: number] {
    checkRange(address, length);
    if (address % PAGE_SIZE !== 0 || length === 0) {
      throw new VerbsError('EINVAL', `cannot ${verb} ${where(address, length)}`);
    }
    return [firstPage(address), pageCount(address, length)];
  }

  /** The pages that a range touches; all of them must be mapped. */
  private mapped(space: AddressSpace, address: number, length: number): [number, number] {
    checkRange(address, length);
    if (length === 0) return [firstPage(address), 0];
    const first = firstPage(address);
    const count = pageCount(address, length);
    if (!space.table.allMapped(first, count)) {
      throw new VerbsError('ENOMEM', `${where(address, length)} is not mapped completely`);
    }
    return [first, count];
  }
}

const where = (address: number, length: number): string =>
  `${length} bytes at 0x${address.toString(16)}`;

/** Beyond these no page number or sum is exact, and nothing is mapped. */
const LAST_ADDRESS = 2 ** 52;

function checkRange(address: number, length: number): void {
  if (!Number.isSafeInteger(address) || !Number.isSafeInteger(length) || length < 0) {
    throw new VerbsError('EINVAL', `${length} bytes at address ${address}`);
  }
  if (address < 0 || address + length > LAST_ADDRESS) {
    throw new VerbsError('EFAULT', `${where(address, length)} is not in any process`);
  }
}

/** Huge pages go as a whole or not at all. */
function checkHuge({ table }: AddressSpace, first: number, count: number): void {
  const splits = (page: number): boolean =>
    page % HUGE_FRAMES !== 0 && (table.flagsOf(page - 1) & table.flagsOf(page) & PAGE.huge) !== 0;
  if (splits(first) || splits(first + count)) {
    throw new VerbsError('EINVAL', 'part of a page of 2 MiB');
  }
}
