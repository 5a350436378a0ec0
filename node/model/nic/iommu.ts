/**
 * The IOMMU between the NIC and memory: what the device calls an address is one only in its domain. A domain has a page
 * table of its own; the device may touch what is mapped there, as it is mapped, and nothing else.
 *
 * Domain 0 is the kernel driver's, as Linux's DMA API has one per device: queues and registered memory are mapped in
 * it, each at its physical address. A process (or a virtual machine) that drives the device itself has a domain of its
 * own.
 *
 * Not modelled: walks that wait for each other, tables of several levels, page requests.
 */
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/physical-memory.js';
import type { Profile } from '../../spec/profile.js';
import { Iotlb, MOST_DOMAINS, translationKey } from './iotlb.js';

export const KERNEL_DOMAIN = 0;

/** What a mapping lets the device do. */
export const MAY_READ = 1;
export const MAY_WRITE = 2;

const HUGE_SIZE = 2 ** 21;
/** The device's addresses are below this. */
const LAST_ADDRESS = 2 ** 48;
/** Beyond any RAM: see {@link Iommu.reserve}. */
const BUFFERS = 2 ** 46;

/** An access that the IOMMU turned away, as its fault queue tells the driver. */
export interface IommuFault {
  readonly time: number;
  readonly domain: number;
  readonly address: number;
  readonly write: boolean;
  /** Mapped, but not for this. */
  readonly permission: boolean;
  readonly qpNum: number;
  readonly wrId: number;
}

/** The fault queue's room: later ones are only counted. */
const FAULT_QUEUE = 1024;

interface Mapping {
  /** Physical address of the page. */
  readonly physical: number;
  readonly access: number;
  /** How often it was mapped so. */
  count: number;
}

interface Domain {
  readonly pages: Map<number, Mapping>;
  readonly hugePages: Map<number, Mapping>;
}

export class Iommu {
  readonly iotlb: Iotlb;
  /** Faults not yet read, oldest first, and how many there were in all. */
  readonly faults: IommuFault[] = [];
  faultCount = 0;
  private readonly miss: number;
  private nextBuffer = BUFFERS;
  private readonly domains: (Domain | undefined)[] = [];

  constructor({ entries, miss }: Profile['iommu']) {
    this.iotlb = new Iotlb(entries);
    this.miss = miss;
    this.createDomain();
  }

  /**
   * A domain with nothing mapped; -1 when there are no more. Numbers are not given out again: transfers of a domain
   * that is gone may still be under way.
   */
  createDomain(): number {
    if (this.domains.length === MOST_DOMAINS) return -1;
    return this.domains.push({ pages: new Map(), hugePages: new Map() }) - 1;
  }

  /** Unmaps all of it. */
  destroyDomain(domain: number): void {
    const { pages, hugePages } = this.domains[domain]!;
    for (const page of pages.keys()) this.iotlb.invalidate(translationKey(domain, page, false));
    for (const page of hugePages.keys()) this.iotlb.invalidate(translationKey(domain, page, true));
    this.domains[domain] = undefined;
  }

  /**
   * Bus addresses of `pages` pages that the kernel's driver maps once and for all: buffers of its rings, whose bytes
   * lie in frame slots and not in the host's RAM.
   */
  reserve(pages: number): number {
    const base = this.nextBuffer;
    this.nextBuffer += pages * PAGE_SIZE;
    return base;
  }

  /**
   * Maps a page of the domain at `address` (of 2 MiB if `huge`) to `physical`. Mapped once more the same way, it is
   * unmapped when it has been as often. False if the address is none, or leads elsewhere already.
   */
  map(domain: number, address: number, physical: number, access: number, huge = false): boolean {
    const entry = this.domains[domain];
    const size = huge ? HUGE_SIZE : PAGE_SIZE;
    const fits = address >= 0 && address + size <= LAST_ADDRESS && address % size === 0;
    if (entry === undefined || !fits) return false;
    const table = huge ? entry.hugePages : entry.pages;
    const page = address / size;
    const before = table.get(page);
    if (before !== undefined) {
      if (before.physical !== physical || before.access !== access) return false;
      before.count++;
      return true;
    }
    // Pages of both sizes may lie over each other as long as they agree.
    for (let at = 0; at < size; at += PAGE_SIZE) {
      const other = this.translate(domain, address + at, 0);
      if (other >= 0 && other !== physical + at) return false;
    }
    table.set(page, { physical, access, count: 1 });
    return true;
  }

  /** Undoes one {@link map}; with the last of a page its translation is invalid. False if none is mapped there. */
  unmap(domain: number, address: number, huge = false): boolean {
    const entry = this.domains[domain];
    if (entry === undefined) return false;
    const table = huge ? entry.hugePages : entry.pages;
    const page = address / (huge ? HUGE_SIZE : PAGE_SIZE);
    const mapping = table.get(page);
    if (mapping === undefined) return false;
    mapping.count--;
    if (mapping.count > 0) return true;
    table.delete(page);
    this.iotlb.invalidate(translationKey(domain, page, huge));
    return true;
  }

  /** The physical address behind `address`, or -1: not mapped, or not for this. Nothing beyond its page is said. */
  translate(domain: number, address: number, access: number): number {
    const entry = this.domains[domain];
    if (entry === undefined || !(address >= 0) || address >= LAST_ADDRESS) return -1;
    const page = entry.pages.get(Math.floor(address / 2 ** PAGE_SHIFT));
    if (page !== undefined && (page.access & access) === access) {
      return page.physical + (address % PAGE_SIZE);
    }
    if (entry.hugePages.size === 0) return -1;
    const huge = entry.hugePages.get(Math.floor(address / HUGE_SIZE));
    if (huge === undefined || (huge.access & access) !== access) return -1;
    return huge.physical + (address % HUGE_SIZE);
  }

  /**
   * What looking up the translations of `length` bytes at `address` takes: the IOTLB is asked once per page, and a walk
   * follows another.
   */
  lookUp(domain: number, address: number, length: number): number {
    let time = 0;
    const end = address + (length > 0 ? length : 1);
    for (let at = address; at < end;) {
      const huge = this.hugeAt(domain, at);
      const size = huge ? HUGE_SIZE : PAGE_SIZE;
      const page = Math.floor(at / size);
      if (!this.iotlb.look(translationKey(domain, page, huge))) time += this.miss;
      at = (page + 1) * size;
    }
    return time;
  }

  /** Takes what the fault queue holds of a domain. */
  takeFaults(domain: number): IommuFault[] {
    const taken: IommuFault[] = [];
    for (let i = 0; i < this.faults.length;) {
      if (this.faults[i]!.domain === domain) taken.push(...this.faults.splice(i, 1));
      else i++;
    }
    return taken;
  }

  /** An access was turned away. */
  fault(
    time: number,
    domain: number,
    address: number,
    write: boolean,
    qpNum: number,
    wrId: number,
  ): void {
    this.faultCount++;
    if (this.faults.length === FAULT_QUEUE) return;
    const permission = this.translate(domain, address, 0) >= 0;
    this.faults.push({ time, domain, address, write, permission, qpNum, wrId });
  }

  private hugeAt(domain: number, address: number): boolean {
    const hugePages = this.domains[domain]?.hugePages;
    if (hugePages === undefined || hugePages.size === 0) return false;
    return hugePages.has(Math.floor(address / HUGE_SIZE));
  }
}

/**
 * What looking up registered memory or a queue takes: nothing without an IOMMU. Whether it may be touched was decided
 * by its key, and as long as that holds its pages are mapped.
 */
export const lookUpTime = (iommu: Iommu | null, physical: number, length: number): number =>
  iommu === null ? 0 : iommu.lookUp(KERNEL_DOMAIN, physical, length);
