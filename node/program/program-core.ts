/** The {@link Core} that a program is handed, in the host's thread or in a worker. */
import { ChainTable } from '../../sim/chain.js';
import { RandomStream } from '../../sim/random.js';
import { SharedChains } from '../../sim/shared-chains.js';
import { STAGE } from '../../sim/stages.js';
import type { CallAnswer } from './mailbox/calls.js';
import type { Profile } from '../spec/profile.js';
import type {
  Awaitable,
  ChildProcess,
  CompletionQueue,
  Context,
  Core,
  DeviceAttributes,
  DmaHazard,
  DmaMapping,
  Instant,
  IommuFault,
  MemoryRegion,
  MemoryUsage,
  PinnedPages,
  Picoseconds,
  ProtectionDomain,
  QpOptions,
  QueuePair,
  Region,
  RegistrationCache,
  WorkCompletion,
} from './verbs.js';
import type { Network, NetworkDevice, NetworkOptions } from './sockets.js';
import { VerbsError } from '../spec/verbs-error.js';
import { BypassNetwork } from './bypass/bypass-network.js';
import { AWAIT } from '../spec/awaits.js';
import { CELL, MAX_ALTERNATIVES, OPERATION_ROW, type CorePage } from './mailbox/core-page.js';
import {
  ProgramCompletionQueue,
  type ProgramShared,
  type TracedCompletion,
} from './program-completions.js';
import {
  checkAmount,
  checkCount,
  checkInstant,
  checkLength,
  checkPeer,
  notAwaitable,
} from './given-values.js';
import { ProgramAddressSpace } from './program-address-space.js';
import { ProgramMemory, ProgramMemoryRegion } from './program-memory.js';
import { ProgramPort, type CheckIn } from './program-port.js';
import { SegmentError } from './segment-error.js';
import { unsendable } from './sendable.js';
import { ProgramRegistrationCache } from './program-registration-cache.js';
import { ProgramQueuePair } from './program-queue-pair.js';
import { KernelNetwork } from './program-sockets.js';

/** ibv_create_qp's defaults where the program does not say. */
const DEFAULT_CAP = {
  maxSendWr: 128,
  maxRecvWr: 128,
  maxSendSge: 1,
  maxRecvSge: 1,
  maxInlineData: 0,
};

/** Who this core is, and what it shares with its host. Goes to a worker by structured clone. */
export interface CoreIdentity {
  readonly host: number;
  readonly index: number;
  readonly rank: number;
  readonly ranks: number;
  readonly seed: number;
  readonly cpu: Profile['cpu'];
  readonly bypass: Profile['bypass'];
  readonly memory: ArrayBufferLike;
  /** As `Host.completionChains`. */
  readonly completionChains: ChainTable | SharedArrayBuffer;
  /** Under the real clock: when the run began, in ms of the machine's clock. */
  readonly realStart: number | null;
}

const OPERATIONS_PER_CORE = 2 ** 32;
const PS_PER_MS = 1e9;

export class ProgramCore implements Core {
  readonly host: number;
  readonly index: number;
  readonly rank: number;
  readonly ranks: number;
  readonly port: ProgramPort;
  /** Counters that the program added to. */
  readonly counters = Object.create(null) as Record<string, number>;
  private readonly shared: ProgramShared;
  private readonly regions = new ProgramMemory();
  private readonly space: ProgramAddressSpace;
  private readonly cpu: Profile['cpu'];
  private readonly bypass: Profile['bypass'];
  private readonly stream: RandomStream;
  private readonly seed: number;
  /** Of the protocols that the program runs itself. */
  private protocols: RandomStream | undefined = undefined;
  /** From this thread's monotonic clock to the run's, in ms; null in virtual time. */
  private readonly realOffset: number | null;
  private nextOperation: number;

  constructor(identity: CoreIdentity, page: CorePage, checkIn: CheckIn) {
    const { host, index, seed } = identity;
    this.host = host;
    this.seed = seed;
    this.index = index;
    this.rank = identity.rank;
    this.ranks = identity.ranks;
    this.cpu = identity.cpu;
    this.bypass = identity.bypass;
    const { realStart } = identity;
    this.realOffset = realStart === null ? null : performance.timeOrigin - realStart;
    const name = `host${host}/core${index}`;
    this.stream = new RandomStream(seed, `${name}/program`);
    const cpu = new RandomStream(seed, `${name}/cpu`);
    this.port = new ProgramPort(page, identity.memory, cpu, checkIn);
    this.space = new ProgramAddressSpace(this.port, identity.cpu.copy);
    this.nextOperation = (host * 256 + index) * OPERATIONS_PER_CORE + 1;
    this.shared = {
      port: this.port,
      completionChains:
        identity.completionChains instanceof ChainTable
          ? identity.completionChains
          : new SharedChains(identity.completionChains),
      queuePairs: new Map(),
      regions: this.regions,
      cpu: identity.cpu,
    };
  }

  get now(): Instant {
    if (this.realOffset === null) return this.port.now as Instant;
    return Math.floor((performance.now() + this.realOffset) * PS_PER_MS) as Instant;
  }

  random(): number {
    return this.stream.unit();
  }

  async openDevice(): Promise<Context> {
    const attributes = await this.port.call('queryDevice', {});
    return new ProgramContext(attributes, this.shared);
  }

  async openNetwork({
    path = 'kernel',
    library = 'socket',
  }: NetworkOptions = {}): Promise<Network> {
    if (path === 'bypass') {
      const costs = { bypass: this.bypass, copy: this.cpu.copy };
      this.protocols ??= new RandomStream(
        this.seed,
        `host${this.host}/core${this.index}/protocols`,
      );
      return BypassNetwork.open(this, this.shared, costs, library, this.protocols);
    }
    return new KernelNetwork(this.port, path);
  }

  get networkDevice(): NetworkDevice {
    return {
      change: (change) => this.port.call('changeDevice', { change }),
      statistics: () => this.port.call('deviceStatistics', {}),
    };
  }

  async allocate(length: number): Promise<Region> {
    const answer = await this.port.call('allocate', { length });
    this.regions.add(answer.address, length, answer.physical);
    return { address: answer.address, length };
  }

  mmap(length: number, options: { huge?: boolean; populate?: boolean } = {}): Promise<Region> {
    return this.space.map(length, options.huge ?? false, options.populate ?? false);
  }

  munmap(region: Region): Promise<void> {
    return this.space.does('munmap', region);
  }

  mlock(region: Region): Promise<void> {
    return this.space.does('mlock', region);
  }

  munlock(region: Region): Promise<void> {
    return this.space.does('munlock', region);
  }

  madvise(region: Region, advice: 'DONTNEED' | 'DONTFORK' | 'DOFORK'): Promise<void> {
    return this.space.advise(region, advice);
  }

  setrlimitMemlock(bytes: number): Promise<void> {
    return this.space.limit(bytes);
  }

  touch(region: Region, options: { write?: boolean } = {}): Promise<void> {
    return this.space.touch(region, options.write ?? false);
  }

  pin(region: Region): Promise<PinnedPages> {
    return this.space.pin(region);
  }

  pagemap(address: number): Promise<number | undefined> {
    return this.space.physical(address);
  }

  mapDma(region: Region, options: { write?: boolean; pin?: boolean } = {}): Promise<DmaMapping> {
    return this.space.mapForDevice(region, options.write ?? true, options.pin ?? true);
  }

  async iommuFaults(): Promise<readonly IommuFault[]> {
    return (await this.port.call('iommuFaults', {})).faults;
  }

  async dmaHazards(): Promise<readonly DmaHazard[]> {
    return (await this.port.call('dmaHazards', {})).hazards;
  }

  usage(): Promise<MemoryUsage> {
    return this.space.usage();
  }

  fork(): Promise<ChildProcess> {
    return this.space.fork();
  }

  read(address: number, length: number): Promise<Uint8Array> {
    return this.space.read(address, length);
  }

  write(address: number, bytes: Uint8Array): Promise<void> {
    return this.space.write(address, bytes);
  }

  async sleep(length: Picoseconds): Promise<void> {
    checkLength('core.sleep', length);
    await this.sleepUntil((this.port.now + length) as Instant);
  }

  async sleepUntil(at: Instant): Promise<void> {
    checkInstant('core.sleepUntil', at);
    await this.port.suspend(AWAIT.idle, at);
    this.port.page.chains.advance(OPERATION_ROW, STAGE.backlog, this.port.now);
  }

  async work(length: Picoseconds): Promise<void> {
    checkLength('core.work', length);
    await this.port.suspend(AWAIT.busy, this.port.now + length);
    this.port.page.chains.advance(OPERATION_ROW, STAGE.compute, this.port.now);
  }

  async compute<T>(cost: { flops?: number; bytes?: number }, fn: () => T): Promise<T> {
    checkAmount('flops', cost.flops);
    checkAmount('bytes', cost.bytes);
    const flops = Math.ceil((cost.flops ?? 0) * this.cpu.flop);
    const bytes = Math.ceil((cost.bytes ?? 0) * this.cpu.stream);
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    this.port.background = () => {
      try {
        outcome = { value: fn() };
      } catch (error) {
        outcome = { error };
      }
    };
    await this.work(Math.max(flops, bytes) as Picoseconds);
    if ('error' in outcome!) throw outcome.error;
    return outcome!.value;
  }

  checkIn(): Promise<void> {
    return this.port.checkIn();
  }

  async watch(address: number, seen: number): Promise<number> {
    let physical = this.regions.physical(address, 1);
    // Another core of this process may have allocated it.
    if (physical < 0)
      physical = (await this.port.call('translate', { address, length: 1 })).physical;
    await this.port.suspend(AWAIT.watch, physical, seen);
    return this.seenByte(physical);
  }

  watched(address: number, seen: number): Awaitable<number> {
    const physical = this.physicalByte(address);
    return {
      awaits: AWAIT.watch,
      argument0: physical,
      argument1: seen,
      take: () => this.seenByte(physical),
    };
  }

  until(at: Instant): Awaitable<void> {
    checkInstant('core.until', at);
    return {
      awaits: AWAIT.idle,
      argument0: at,
      argument1: 0,
      take: () => {
        this.port.page.chains.advance(OPERATION_ROW, STAGE.backlog, this.port.now);
      },
    };
  }

  async any<T>(awaitables: readonly Awaitable<T>[]): Promise<{ index: number; value: T }> {
    if (awaitables.length === 0) throw new SegmentError('core.any needs something to wait for');
    if (awaitables.length > MAX_ALTERNATIVES) {
      throw new SegmentError(`core.any waits for at most ${MAX_ALTERNATIVES} things`);
    }
    const { page } = this.port;
    for (let index = 0; index < awaitables.length; index++) {
      const { awaits, argument0, argument1 } = awaitables[index]!;
      if (typeof awaits !== 'number') throw notAwaitable(awaitables[index], index);
      page.writeAlternative(index, awaits, argument0, argument1);
    }
    await this.port.suspend(AWAIT.any, awaitables.length);
    const index = page.get(CELL.alternative);
    return { index, value: awaitables[index]!.take() };
  }

  async tell(rank: number, value: unknown): Promise<void> {
    checkPeer('core.tell', rank, this.rank, this.ranks);
    const problem = unsendable(value, 'told');
    if (problem !== undefined) {
      throw new VerbsError('EINVAL', `core.tell: ${problem}, which cannot be sent as data`);
    }
    await this.port.call('tell', { rank, value });
  }

  async hear(rank: number): Promise<unknown> {
    checkPeer('core.hear', rank, this.rank, this.ranks);
    await this.port.suspend(AWAIT.hear, rank);
    return this.port.page.readText();
  }

  heard(rank: number): Awaitable<unknown> {
    checkPeer('core.heard', rank, this.rank, this.ranks);
    return new HeardValue(this.port.page, rank);
  }

  beginOperation(intended: Instant = this.now, collective?: number): void {
    checkInstant('core.beginOperation', intended);
    const { chains } = this.port.page;
    const operation = collective === undefined ? this.nextOperation++ : -collective;
    chains.begin(OPERATION_ROW, operation, intended);
    chains.advance(OPERATION_ROW, STAGE.backlog, this.port.now);
  }

  follow(completion: WorkCompletion): void {
    const { chainRow } = completion as TracedCompletion;
    if (chainRow < 0) return;
    const { chains } = this.port.page;
    const { completionChains } = this.shared;
    if (!chains.mayGoOnWith(OPERATION_ROW, completionChains.operation(chainRow))) return;
    chains.copy(OPERATION_ROW, completionChains, chainRow);
    chains.advance(OPERATION_ROW, STAGE.backlog, this.port.now);
  }

  get operationStart(): Instant {
    return this.port.page.chains.started(OPERATION_ROW);
  }

  operationStages(into?: Float64Array): Float64Array {
    const { chains } = this.port.page;
    chains.advance(OPERATION_ROW, STAGE.compute, this.port.now);
    return chains.stages(OPERATION_ROW, into);
  }

  endOperation(): void {
    this.port.page.chains.clear(OPERATION_ROW);
  }

  count(name: string, by = 1): void {
    checkCount(name, by);
    this.counters[name] = (this.counters[name] ?? 0) + by;
  }

  private physicalByte(address: number): number {
    const physical = this.regions.physical(address, 1);
    if (physical < 0) {
      throw new VerbsError('EFAULT', `0x${address.toString(16)} is not in this process's memory`);
    }
    return physical;
  }

  private seenByte(physical: number): number {
    this.port.page.chains.advance(OPERATION_ROW, STAGE.poll, this.port.now);
    return this.port.bytes[physical]!;
  }
}

/** A value from another rank that `core.any` waits for. */
class HeardValue implements Awaitable<unknown> {
  readonly awaits = AWAIT.hear;
  readonly argument0: number;
  readonly argument1 = 0;
  private readonly page: CorePage;

  constructor(page: CorePage, rank: number) {
    this.page = page;
    this.argument0 = rank;
  }

  take(): unknown {
    return this.page.readText();
  }
}

class ProgramContext implements Context {
  readonly attributes: DeviceAttributes;
  private readonly shared: ProgramShared;

  constructor(attributes: CallAnswer<'queryDevice'>, shared: ProgramShared) {
    this.attributes = attributes;
    this.shared = shared;
  }

  async allocatePd(): Promise<ProtectionDomain> {
    const { pd } = await this.shared.port.call('allocatePd', {});
    return new ProgramProtectionDomain(pd, this.shared);
  }

  async createCq(capacity: number): Promise<CompletionQueue> {
    const place = await this.shared.port.call('createCq', { capacity });
    if (place.chainRow >= 0) this.shared.completionChains.grow(place.chainRow + capacity);
    return new ProgramCompletionQueue(place, this.shared);
  }
}

class ProgramProtectionDomain implements ProtectionDomain {
  readonly pd: number;
  private readonly shared: ProgramShared;

  constructor(pd: number, shared: ProgramShared) {
    this.pd = pd;
    this.shared = shared;
  }

  async registerMemory(
    region: Region,
    access: number,
    options: { iova?: number } = {},
  ): Promise<MemoryRegion> {
    const { address, length } = region;
    const { port, regions } = this.shared;
    const answer = await port.call('registerMemory', {
      pd: this.pd,
      address,
      length,
      access,
      ...options,
    });
    return new ProgramMemoryRegion({ address, length }, answer, port, regions);
  }

  registrationCache(access: number): RegistrationCache {
    const { port, cpu } = this.shared;
    return new ProgramRegistrationCache(this, access, port, cpu.registrationLookup);
  }

  async createQp(options: QpOptions): Promise<QueuePair> {
    const { sendCq, recvCq } = options;
    if (
      !(sendCq instanceof ProgramCompletionQueue) ||
      !(recvCq instanceof ProgramCompletionQueue)
    ) {
      throw new VerbsError(
        'EINVAL',
        'a queue pair needs a send CQ and a receive CQ of this device',
      );
    }
    const place = await this.shared.port.call('createQp', {
      pd: this.pd,
      sendCq: sendCq.place.number,
      recvCq: recvCq.place.number,
      cap: { ...DEFAULT_CAP, ...options.cap },
      sqSigAll: options.sqSigAll ?? false,
      busAddresses: options.busAddresses ?? false,
      type: options.type ?? 'RC',
    });
    return new ProgramQueuePair(place, this.shared);
  }

  async deallocate(): Promise<void> {
    await this.shared.port.call('deallocatePd', { pd: this.pd });
  }
}
