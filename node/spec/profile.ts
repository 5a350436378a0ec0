/**
 * A hardware profile as the model uses it: every constant in picoseconds, bytes or picoseconds per byte.
 * The data files in `profiles/` carry unit, source and grade of each; `coordinator/profiles/profiles.ts` reads and
 * checks them.
 */
import type { PicosecondsPerByte } from '../../units/rate.js';
import type { Picoseconds } from '../../units/time.js';

/** What noise adds to a cost: never less than nothing, so the cost itself stays the lookahead's lower bound. */
export interface Jitter {
  /** Mean of an exponential part, in ps; 0 for none. */
  readonly mean: number;
  /** Probability of a tail event, and the mean in ps of the exponential it then adds. */
  readonly tailProbability: number;
  readonly tailMean: number;
}

/** A cost that noise can lengthen. */
export interface Cost {
  readonly ps: Picoseconds;
  readonly jitter: Jitter | null;
}

export interface Profile {
  readonly name: string;
  readonly title: string;
  readonly cpu: {
    /** Building one WQE. */
    readonly post: Cost;
    /** Ringing the doorbell: the CPU's part. */
    readonly doorbell: Cost;
    /** One look at a completion queue or watched address, and reading what is there. */
    readonly poll: Cost;
    /** Period of a polling loop; the phase at which an arrival meets it is drawn from it under noise. */
    readonly pollPeriod: Picoseconds;
    /** Entering and leaving the kernel. */
    readonly syscall: Cost;
    /** memcpy. */
    readonly copy: PicosecondsPerByte;
    /** Memory registration: fixed part, and per page of 4 KiB; deregistration per page. */
    readonly register: Picoseconds;
    readonly registerPage: Picoseconds;
    readonly deregisterPage: Picoseconds;
    /** Registration per 2 MiB page, and per 4 KiB page of a region of 1 GiB or more, whose page tables are cold. */
    readonly registerHugePage: Picoseconds;
    readonly registerPageCold: Picoseconds;
    /** Finding a region in a registration cache. */
    readonly registrationLookup: Picoseconds;
    /** A core's arithmetic: picoseconds per floating-point operation, and its memory bandwidth. */
    readonly flop: number;
    readonly stream: PicosecondsPerByte;
  };
  readonly pcie: {
    /** Bytes per time of the link itself, TLP headers not yet counted. */
    readonly rate: PicosecondsPerByte;
    readonly maxPayload: number;
    readonly maxReadRequest: number;
    /** Bytes that each memory-write TLP and each completion TLP add. */
    readonly writeOverhead: number;
    readonly completionOverhead: number;
    /** CPU store to device, one way (posted). */
    readonly postedWrite: Cost;
    /** Round trip of a DMA read. */
    readonly dmaRead: Cost;
    /** DMA write until the CPU can see it (posted). */
    readonly memoryWrite: Cost;
  };
  readonly nic: {
    readonly tx: Cost;
    readonly rx: Cost;
    /** Fetching a WQE that did not come with the doorbell. */
    readonly wqeFetch: Cost;
    /** Each further 64 B of an inline WQE. */
    readonly inlineBlock: Picoseconds;
    /** Forming a CQE. */
    readonly cqe: Cost;
    /** Least time between WQEs of one QP, and between packets of the whole NIC in each direction. */
    readonly qpGap: Picoseconds;
    readonly packetGap: Picoseconds;
    /** An atomic's latency, and how long it holds the atomic unit. */
    readonly atomic: Cost;
    readonly atomicOccupancy: Picoseconds;
    /** A frame to the NIC's own port turned round inside. */
    readonly loopback: Picoseconds;
    /** Payload bytes fetched ahead of the port, and bytes of QP state and translations that fit in the caches. */
    readonly readAhead: number;
    readonly qpCacheEntries: number;
    readonly qpCacheMiss: Picoseconds;
    readonly maxInline: number;
    readonly maxQp: number;
    readonly maxQpWr: number;
    readonly maxSge: number;
    readonly maxCqe: number;
    readonly maxRdAtomic: number;
    /** Rules ahead of receive side scaling that a function holds. */
    readonly flowRules: number;
    /** The status of a remote access that the QP's own access flags forbid (conformance rule 89). */
    readonly qpAccessNak: 'invalid_request' | 'remote_access';
  };
  readonly link: {
    readonly type: 'infiniband' | 'ethernet';
    readonly rate: PicosecondsPerByte;
    /** Wire bytes of a packet beyond its RoCEv2 frame (Ethernet header to ICRC): may be negative for InfiniBand. */
    readonly framing: number;
    readonly mtu: number;
    /** One cable, one way. */
    readonly propagation: Picoseconds;
    /** Forward error correction, per link crossed. */
    readonly fec: Picoseconds;
  };
  readonly switch: {
    readonly latency: Cost;
    /** Output buffer of a port in bytes; Infinity when unbounded. */
    readonly buffer: number;
  };
  /** The operating system's memory management. */
  readonly memory: {
    /** Taking a page fault that finds or makes the page in memory, zeroing included; copy on write adds the copy. */
    readonly minorFault: Cost;
    /** Pinning one populated page (get_user_pages), and letting it go. */
    readonly pinPage: Picoseconds;
    readonly unpinPage: Picoseconds;
    /** The swap device: reading one page, writing one page. It serves one request at a time. */
    readonly swapRead: Cost;
    readonly swapWrite: Cost;
    /** A page fault that the NIC takes on an on-demand-paging region, beyond reading the page from swap. */
    readonly odpFault: Cost;
    /** RLIMIT_MEMLOCK of a process, in bytes; Infinity when unlimited. */
    readonly memlock: number;
  };
  /** What a core finds in its caches of a flow's state (socket, control block). */
  readonly cache: {
    /** Cache lines of state that one packet of a flow touches. */
    readonly flowLines: number;
    /** Flows whose state fits in one core's own cache. */
    readonly flows: number;
    /** Per line: taken dirty from another core of the socket; read from memory. */
    readonly dirtyLine: Picoseconds;
    readonly memoryLine: Picoseconds;
  };
  /** The kernel's network path. */
  readonly kernel: {
    /** Returning from a system call to the program, on a busy core. */
    readonly userReturn: Cost;
    /** Hard interrupt to the begin of the softirq, and leaving C1 when the core was idle. */
    readonly irq: Cost;
    readonly idleExit: Cost;
    /** Making a blocked program run again on an idle core, and the scheduler's work per packet on a busy one. */
    readonly wakeup: Cost;
    readonly schedule: Cost;
    /** Protocol work per packet: receiving and sending a UDP datagram, and what TCP adds to each. */
    readonly stackIn: Cost;
    readonly stackOut: Cost;
    readonly tcpIn: Cost;
    readonly tcpOut: Cost;
    /**
     * TSO and GRO; what each further segment of a packet that the NIC cuts costs, and each further frame that is
     * merged.
     */
    readonly offloads: 'off' | 'on';
    readonly tsoSegment: Cost;
    readonly groFrame: Cost;
    /** Fixed part of the copy between kernel and program, per call; `cpu.copy` says what each byte adds. */
    readonly copyIn: Cost;
    readonly copyOut: Cost;
    /** One round of a busy-polled socket's look into its queue. */
    readonly busyPoll: Cost;
    /**
     * Interrupt moderation: time and frames from the first frame of an idle queue to the interrupt (rx-usecs,
     * rx-frames).
     */
    readonly rxUsecs: Picoseconds;
    readonly rxFrames: number;
    /** Frames that one poll of a queue takes, and one softirq altogether before it gives way to programs. */
    readonly napiBudget: number;
    readonly netdevBudget: number;
    /** Descriptors of a receive queue. */
    readonly ringSize: number;
    /** IP MTU of the network interface. */
    readonly mtu: number;
    /** Flows that receive flow steering follows, and how long one may be idle before it is forgotten. */
    readonly rfsFlows: number;
    readonly rfsIdle: Picoseconds;
  };
  readonly iommu: {
    readonly mode: 'off' | 'on';
    /** Translations that the IOTLB holds, and what a miss costs. */
    readonly entries: number;
    readonly miss: Picoseconds;
    /** Mapping a page for a device; unmapping it, invalidation of the IOTLB included. */
    readonly mapPage: Picoseconds;
    readonly unmapPage: Picoseconds;
  };
  /** A program that owns a queue of raw frames. */
  readonly bypass: {
    /** Whether the CPU pushes the frame into the NIC with the doorbell (CTPIO), and what each 64 B then cost it. */
    readonly push: 'off' | 'on';
    readonly pushBlock: Picoseconds;
    /**
     * Protocol work of a user-space library per message, half in sending and half in receiving it: raw UDP, TCPDirect's
     * kind, Onload's kind.
     */
    readonly rawStack: Cost;
    readonly directStack: Cost;
    readonly socketStack: Cost;
  };
  /** Virtual machines. */
  readonly vm: {
    /** Leaving and re-entering a VM (an exit); injecting an interrupt into one. */
    readonly exit: Cost;
    readonly inject: Cost;
    /** The host's software switch, per frame; each byte is copied at `cpu.copy` besides. */
    readonly switchFrame: Cost;
  };
  readonly management: {
    /** One-way latency of the out-of-band network that programs exchange QP numbers over. */
    readonly latency: Picoseconds;
  };
}
