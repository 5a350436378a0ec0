/**
 * One NIC: constructs its parts, takes doorbells in and frames from the port, and has no protocol of its own.
 */
import type { ChainTable } from '../../sim/chain.js';
import { draw } from '../../sim/cost.js';
import { RandomStream } from '../../sim/random.js';
import type { EventSink, Scheduler } from '../../sim/scheduler.js';
import { NIC_UNIT, Sequencer } from '../../sim/sequencer.js';
import { STAGE } from '../../sim/stages.js';
import { WAY } from './fabric/frame.js';
import type { FramePool } from './fabric/frame-pool.js';
import type { FrameSlot } from './fabric/frame-slot.js';
import type { Port } from './fabric/port.js';
import { MemoryWatches } from './memory/memory-watches.js';
import type { PhysicalMemory } from './memory/physical-memory.js';
import type { Profile } from '../spec/profile.js';
import { CompletionWriter } from './rdma/completion-queue.js';
import { Counters } from './rdma/counters.js';
import { ENGINE_EVENT, type EngineParts, type RefusalListener } from './rdma/engine-parts.js';
import { MemoryRegionTable } from './rdma/memory-region.js';
import { PageFaults } from './rdma/page-faults.js';
import { RdmaEngine } from './rdma/rdma-engine.js';
import { BusLookups } from './nic/bus-lookups.js';
import { DmaEngine } from './nic/dma-engine.js';
import { DmaHazards } from './nic/dma-hazards.js';
import { DmaTransfers } from './nic/dma-transfers.js';
import { DOORBELL, newDoorbell, type Doorbell } from './nic/doorbell.js';
import { EthernetReceiver } from './nic/ethernet-receiver.js';
import { Iommu } from './nic/iommu.js';
import { PayloadWriter } from './nic/payload-writer.js';
import { Transmitter } from './nic/transmitter.js';

/**
 * The unit of the local ACK timeout, in ps: 4.096 us (IBTA 9.7.6.1.3). Under the real clock an emulated NIC is a good
 * deal slower than the hardware that programs choose their timeouts for; there the unit is 32 times as long.
 */
const TIMEOUT_UNIT = { virtual: 4_096_000, real: 32 * 4_096_000 } as const;

export interface NicOptions {
  readonly host: number;
  /** How many hosts there are. */
  readonly hosts: number;
  readonly profile: Profile;
  readonly seed: number;
  readonly clock: 'virtual' | 'real';
  readonly scheduler: Scheduler;
  readonly pool: FramePool;
  readonly memory: PhysicalMemory;
  /** The way out: {@link Port.send} takes what has left the NIC. */
  readonly port: Port;
  /** Whether there is an IOMMU between the NIC and memory. */
  readonly iommu: boolean;
  /** Chains of CQEs, shared with the cores. */
  readonly completionChains: ChainTable;
  /** Told of requests that the RDMA engine refuses; null for nobody. */
  readonly refused: RefusalListener | null;
}

export class Nic implements EventSink {
  readonly parts: EngineParts;
  readonly engine: RdmaEngine;
  readonly watches: MemoryWatches;
  /** Where frames go that are not the RDMA engine's. */
  readonly ethernet: EthernetReceiver;
  /** What drivers in user space were told of physical addresses, and what came of it. */
  readonly lookups = new BusLookups();
  readonly hazards: DmaHazards;
  /** Frames received. */
  received = 0;
  private readonly sink: number;
  private readonly doorbells: Doorbell[] = [];
  private readonly freeDoorbells: number[] = [];
  private lastReceived = 0;

  constructor(options: NicOptions) {
    const { host, profile, scheduler, pool, memory } = options;
    const sequencer = new Sequencer(host, NIC_UNIT);
    const random = new RandomStream(options.seed, `host${host}/nic`);
    const dma = new DmaEngine(profile.pcie, random, scheduler);
    this.watches = new MemoryWatches(memory, pool.chainLog);
    const regions = new MemoryRegionTable();
    memory.table.listeners.push(regions);
    this.hazards = new DmaHazards(memory, this.lookups);
    const iommu = options.iommu ? new Iommu(profile.iommu) : null;
    const engineSink = scheduler.register({
      handle: (kind, argument) => this.engine.handle(kind, argument),
    });
    this.parts = {
      host,
      profile,
      scheduler,
      sequencer,
      pool,
      memory,
      dma,
      iommu,
      transfers: new DmaTransfers(
        scheduler,
        sequencer,
        pool,
        memory,
        dma,
        this.watches,
        this.hazards,
        iommu,
        profile.pcie,
      ),
      random,
      engineSink,
      refused: options.refused,
      timeoutUnit: TIMEOUT_UNIT[options.clock],
      regions,
      pageFaults: new PageFaults(
        scheduler,
        sequencer,
        memory,
        regions,
        profile.memory.odpFault,
        random,
      ),
      counters: new Counters(),
      transmitter: new Transmitter(
        host,
        options.hosts,
        profile,
        scheduler,
        sequencer,
        pool,
        options.port,
      ),
      payloads: new PayloadWriter(scheduler, sequencer, pool, memory, dma, this.watches, iommu),
      completions: new CompletionWriter(
        scheduler,
        sequencer,
        memory,
        dma,
        iommu,
        profile.nic.cqe,
        random,
        pool.chainLog,
        options.completionChains,
        (queue) => this.engine.overran(queue),
      ),
    };
    this.ethernet = new EthernetReceiver(pool, scheduler);
    this.engine = new RdmaEngine(this.parts, this.watches, (slot) => {
      this.ethernet.receive(slot);
    });
    this.ethernet.rawReceive = (index, slot) => {
      this.engine.receiveSteered(index, slot);
    };
    this.sink = scheduler.register(this);
  }

  /** A core rang `rung`; it reaches the NIC at `at`, where event `key` takes it. Its row is one of `chains`. */
  ring(rung: Readonly<Doorbell>, at: number, key: number, chains: ChainTable): void {
    const { doorbellChains } = this.engine;
    const index = this.freeDoorbells.pop() ?? this.doorbells.length;
    const doorbell = (this.doorbells[index] ??= newDoorbell());
    doorbell.kind = rung.kind;
    doorbell.queuePair = rung.queuePair;
    doorbell.produced = rung.produced;
    doorbell.row = this.engine.claimDoorbellRow();
    // A receive's says nothing of what its core is doing.
    if (rung.row >= 0 && rung.kind === DOORBELL.send) {
      doorbellChains.copy(doorbell.row, chains, rung.row);
    } else doorbellChains.clear(doorbell.row);
    doorbellChains.advance(doorbell.row, STAGE.doorbell, at);
    this.parts.scheduler.at(at, key, this.sink, 0, index);
  }

  handle(_kind: number, index: number): void {
    const doorbell = this.doorbells[index]!;
    const { queuePair, kind, produced, row } = doorbell;
    this.engine.doorbell(queuePair, kind, produced, row);
    this.engine.releaseDoorbellRow(row);
    this.freeDoorbells.push(index);
  }

  /** How long what the NIC has begun to write is on its way to memory: payload, completions, results of atomics. */
  get landingTime(): number {
    const { scheduler, dma, completions } = this.parts;
    const { now } = scheduler;
    const last = Math.max(dma.writesVisibleAt, completions.allVisibleAt, this.engine.atomicsDoneAt);
    // Not at the same instant: the program that waited must find it.
    return last < now ? 0 : last + 1 - now;
  }

  /**
   * How long a command takes that ends a queue pair, given now: over the bus, and the NIC's answer, written to memory
   * behind every byte and completion that it has begun to write (PCIe ordering). After it nothing of what was ended can
   * land. No published figure has the firmware's own time; none is added.
   */
  get commandTime(): number {
    const { postedWrite, memoryWrite } = this.parts.profile.pcie;
    return Math.max(postedWrite.ps, this.landingTime) + memoryWrite.ps;
  }

  /**
   * The last bit of frame `slot` reaches the port at the frame's time: the receive pipeline has it one nic_rx later, in
   * order.
   */
  arrive(slot: FrameSlot): void {
    const { profile, random, scheduler, sequencer, pool, engineSink } = this.parts;
    const { rx, packetGap } = profile.nic;
    const frame = pool.frames[slot]!;
    this.received++;
    let done = frame.time + draw(rx, random);
    done += this.engine.stateWaitFor(slot, done);
    const soonest = this.lastReceived + packetGap;
    if (done < soonest) done = soonest;
    this.lastReceived = done;
    frame.way[WAY.received] = done;
    scheduler.at(done, sequencer.key(), engineSink, ENGINE_EVENT.receive, slot);
  }
}
