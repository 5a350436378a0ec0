/**
 * The processes of one host: which core runs which, the memory and the quota that each has, and children that a process
 * forked. A process number that programs are placed with is one process per virtual machine (or the bare host); here
 * processes are numbered in the order in which they came to be.
 */
import { RandomStream } from '../../../sim/random.js';
import { AddressSpace } from '../memory/address-space.js';
import { HostQuota, MemlockQuota } from '../memory/memlock-quota.js';
import { PAGE_SIZE, type PhysicalMemory } from '../memory/physical-memory.js';
import type { PhysicalRange } from '../memory/physical-range.js';
import { Pager } from '../memory/pager.js';
import { SwapDevice } from '../memory/swap-device.js';
import type { Profile } from '../../spec/profile.js';
import type { MachineSettings, ProgramSpec } from '../../spec/run-spec.js';

export interface Process {
  /** Of this host; the owner of its frames. */
  readonly number: number;
  /** The virtual machine it lives in; -1 on the bare host. */
  readonly vm: number;
  readonly space: AddressSpace;
  readonly quota: MemlockQuota;
  readonly parent: Process | undefined;
  /** Cores whose programs still run in it. */
  running: number;
}

export interface ProcessOptions {
  readonly host: number;
  readonly seed: number;
  readonly profile: Profile;
  readonly memory: PhysicalMemory;
  readonly machine: MachineSettings;
  /** Those of this host. */
  readonly programs: readonly ProgramSpec[];
}

export class Processes {
  readonly swap: SwapDevice;
  readonly hostQuota: HostQuota;
  /** Every process there was, those that are over too. */
  readonly all: Process[] = [];
  private readonly byCore = new Map<number, Process>();
  /** By virtual machine; -1 is the bare host. */
  private readonly pagers = new Map<number, Pager>();
  private readonly options: ProcessOptions;

  constructor(options: ProcessOptions) {
    this.options = options;
    const { host, seed, profile, machine, memory } = options;
    const random = new RandomStream(seed, `host${host}/swap`);
    this.swap = new SwapDevice(Math.floor(machine.swap / PAGE_SIZE), profile.memory, random);
    this.hostQuota = new HostQuota(machine.hostMemlock);
    this.addPager(-1, memory.ram);
    for (const [vm, { host: on, memory: bytes }] of machine.vms.entries()) {
      if (on !== host) continue;
      const range = memory.reserve(Math.ceil(bytes / PAGE_SIZE));
      if (range === undefined) throw new Error(`host${host} has no ${bytes} bytes for VM ${vm}`);
      this.addPager(vm, range);
    }
    const byPlace = new Map<string, Process>();
    for (const { core, process, vm } of options.programs) {
      const place = `${vm}/${process}`;
      const its = byPlace.get(place) ?? this.create(vm, undefined);
      byPlace.set(place, its);
      its.running++;
      this.byCore.set(core, its);
    }
  }

  /** The process that core `core` runs. */
  of(core: number): Process {
    return this.byCore.get(core)!;
  }

  /** How often a quota stood in the way of keeping memory from the pager. */
  get refusals(): number {
    return this.all.reduce((sum, { quota }) => sum + quota.refusals, 0);
  }

  /** Pages taken by replacement, in all ranges. */
  get replacements(): number {
    let sum = 0;
    for (const pager of this.pagers.values()) sum += pager.replacements;
    return sum;
  }

  /**
   * A child with a copy of `parent`'s memory is there when `at` has become `childAt`; undefined when memory is short.
   */
  fork(parent: Process, at: number): { readonly child: Process; readonly at: number } | undefined {
    const child = this.create(parent.vm, parent);
    const done = parent.space.fork(child.space, at);
    if (done >= 0) return { child, at: done };
    this.end(child);
    return undefined;
  }

  /** The process is over: its memory goes back. */
  end(process: Process): void {
    const { quota } = process;
    process.space.releaseAll();
    quota.discharge('locked', quota.locked);
    for (const other of this.all) {
      if (other.parent === process && other.running > 0) this.end(other);
    }
    process.running = 0;
  }

  private create(vm: number, parent: Process | undefined): Process {
    const number = this.all.length;
    const process: Process = {
      number,
      vm,
      space: new AddressSpace(number, this.pagers.get(vm)!),
      quota: new MemlockQuota(this.options.machine.memlock, this.hostQuota),
      parent,
      running: parent === undefined ? 0 : 1,
    };
    this.all.push(process);
    return process;
  }

  private addPager(vm: number, range: PhysicalRange): void {
    const { host, seed, profile, memory, machine } = this.options;
    const name = vm < 0 ? `host${host}/pager` : `host${host}/vm${vm}/pager`;
    const pager = new Pager({
      memory,
      range,
      swap: this.swap,
      policy: machine.pager,
      costs: { minorFault: profile.memory.minorFault, copy: profile.cpu.copy },
      random: new RandomStream(seed, name),
    });
    this.pagers.set(vm, pager);
  }
}
