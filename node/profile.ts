/**
 * A hardware profile as the model uses it: every constant in picoseconds, bytes or picoseconds per byte.
 * The data files in `profiles/` carry unit, source and grade of each; `coordinator/profiles.ts` reads and checks them.
 */
import type { PicosecondsPerByte } from '../units/rate.js';
import type { Picoseconds } from '../units/time.js';

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
  readonly management: {
    /** One-way latency of the out-of-band network that programs exchange QP numbers over. */
    readonly latency: Picoseconds;
  };
}
