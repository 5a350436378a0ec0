/** What the parts of one NIC's RDMA engine share. Built by node/model/nic.ts; nothing here has behaviour. */
import type { RandomStream } from '../../../sim/random.js';
import type { Scheduler } from '../../../sim/scheduler.js';
import type { Sequencer } from '../../../sim/sequencer.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { DmaEngine } from '../nic/dma-engine.js';
import type { DmaTransfers } from '../nic/dma-transfers.js';
import type { Iommu } from '../nic/iommu.js';
import type { PayloadWriter } from '../nic/payload-writer.js';
import type { Transmitter } from '../nic/transmitter.js';
import type { Profile } from '../../spec/profile.js';
import type { CompletionWriter } from './completion-queue.js';
import type { Counters } from './counters.js';
import type { MemoryRegionTable } from './memory-region.js';
import type { PageFaults } from './page-faults.js';

/** A request to queue pair `qp` was refused by `check`, which says why and with what answer. */
export type RefusalListener = (qp: number, psn: number, check: string, says: string) => void;

export interface EngineParts {
  readonly host: number;
  readonly profile: Profile;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly pool: FramePool;
  readonly memory: PhysicalMemory;
  readonly regions: MemoryRegionTable;
  readonly pageFaults: PageFaults;
  readonly dma: DmaEngine;
  /** Transfers by bus address. */
  readonly transfers: DmaTransfers;
  /** Null where the device's addresses are physical. */
  readonly iommu: Iommu | null;
  readonly transmitter: Transmitter;
  readonly payloads: PayloadWriter;
  readonly completions: CompletionWriter;
  readonly random: RandomStream;
  readonly counters: Counters;
  /** The local ACK timeout is this times 2^timeout, in ps. */
  readonly timeoutUnit: number;
  /** Tells what each refused request was refused by; null when nobody listens. */
  readonly refused: RefusalListener | null;
  /** Sink number of the engine, for timers. */
  readonly engineSink: number;
}

/**
 * Events of the engine's sink. A packet has been received: the argument is its slot. All others are a transport's own:
 * the argument is the queue pair's index.
 */
export const ENGINE_EVENT = { receive: 0 } as const;
