/**
 * A frame of a process: its way, its time, and where its bytes are. A RoCEv2 packet that was made in this process has
 * its headers as fields first, and needs no others as long as nobody looks at its bytes: it is *unwritten*. Who looks
 * (a capture, a fault, another process, a trace of all bytes) has them written first (`FramePool.writeOut`), and from
 * then on the bytes are the truth: the receiver reads the fields back out of them, with all checks
 * (`packet-headers.ts`).
 */
import { STAGE } from '../../../sim/stages.js';
import type { Aeth } from '../../../wire/aeth.js';
import type { ImmDt } from '../../../wire/imm-dt.js';
import type { Path } from '../../../wire/path.js';
import type { Reth } from '../../../wire/reth.js';

/** What a frame comes to on its way: the place of each instant in {@link Frame.way}. */
export const WAY = {
  /** It has left the NIC's pipeline, the port of a direct cable, the cable, the switch's pipeline. */
  leftNic: 0,
  leftPort: 1,
  leftCable: 2,
  leftSwitch: 3,
  /** The switch's output port began with it, and was done; it was at the other end of that cable. */
  dequeued: 4,
  serialized: 5,
  arrived: 6,
  /** The receive pipeline was done with it. */
  received: 7,
} as const;
/** The stage that ends with each. */
export const WAY_STAGES = Uint8Array.of(
  STAGE.nic_tx,
  STAGE.serialize,
  STAGE.propagate,
  STAGE.switch,
  STAGE.queue,
  STAGE.serialize,
  STAGE.propagate,
  STAGE.nic_rx,
);

/**
 * One for each slot of a {@link FramePool}, made once. One-bit header fields are 0 or 1, as in the records of `wire/`.
 */
export class Frame implements Reth, Aeth, ImmDt {
  /** Offset of its first byte (Ethernet destination) in the pool's bytes, and how many there are, up to the ICRC. */
  start = 0;
  length = 0;
  /** Bytes of its headers: its payload begins at start + headerLength. */
  headerLength = 0;
  /** Hosts. */
  source = 0;
  destination = 0;
  /** The element that it reaches next, when it does, in ps, and the key that decides ties there. */
  element = 0;
  time = 0;
  key = 0;
  /** Its ICRC must be computed and checked, because its bytes may have been changed. */
  suspect = false;
  /** Its FCS is wrong: the NIC that it comes to drops it. */
  damaged = false;
  /** The sender leaves the checksums of TCP and UDP to the NIC. */
  offload = false;
  /**
   * The instants of its way, {@link WAY}; 0 for what it has not come to. They become intervals of its chain only when
   * somebody goes on with that (`FramePool.settleChain`): an acknowledgement's chain mostly ends unread.
   */
  readonly way = new Float64Array(WAY_STAGES.length);
  /**
   * Its bytes are there. If not, it is a RoCEv2 packet, and `path` and what follows says all that its headers would.
   */
  written = true;
  path: Path | undefined = undefined;
  payloadLength = 0;
  /** BTH; what is missing here is as {@link newBth} has it. */
  opcode = 0;
  destQp = 0;
  psn = 0;
  ackReq = 0;
  solicited = 0;
  /** Only of a frame that was parsed. */
  pkey = 0;
  /** RETH. */
  vaHigh = 0;
  vaLow = 0;
  rkey = 0;
  dmaLength = 0;
  /** AETH. */
  syndrome = 0;
  msn = 0;
  /** ImmDt. */
  immediate = 0;

  /** As a slot is handed out: nothing is said of the frame yet. */
  begin(): void {
    this.suspect = this.damaged = this.offload = false;
    this.written = true;
    const { way } = this;
    for (let place = 0; place < way.length; place++) way[place] = 0;
  }
}
