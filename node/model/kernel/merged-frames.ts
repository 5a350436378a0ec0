/**
 * Generic receive offload (GRO): TCP segments of one flow that a poll takes one after the other, and that continue each
 * other, become one, as long as an IP packet can be. What may join is what Linux's tcp_gro_receive lets join. Not
 * modelled: several flows held side by side.
 */
import { ETHERNET_LENGTH, ETHER_TYPE_IPV4, ETHER_TYPE_OFFSET } from '../../../wire/ethernet.js';
import {
  IPV4_LENGTH,
  IPV4_MORE_FRAGMENTS,
  newIpv4,
  parseIpv4,
  PROTOCOL_TCP,
  IPV4_TOTAL_LENGTH_OFFSET,
} from '../../../wire/ipv4.js';
import { newTcp, parseTcp, TCP_FLAG, TCP_LENGTH, TCP_LONGEST_HEADER } from '../../../wire/tcp.js';
import { isVlan, VLAN_LENGTH } from '../../../wire/vlan.js';
import type { FramePool } from '../fabric/frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from '../fabric/frame-slot.js';
import { copyBytes } from '../net/copy-bytes.js';

const LONGEST_PACKET = 0xffff;
const TCP_FLAGS = 13;
/** Flags that the last frame of a whole may bring. */
const LAST = TCP_FLAG.PSH | TCP_FLAG.FIN;
/** Flags of a frame that waits for no other. */
const AT_ONCE = LAST | TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.URG | TCP_FLAG.CWR;

/**
 * Bits of the headers of IP and TCP that all frames of a whole have in common: not length, identification, checksums,
 * sequence.
 */
const ALIKE = new Uint8Array(IPV4_LENGTH + TCP_LONGEST_HEADER).fill(0xff);
for (const [from, to] of [
  [2, 6],
  [10, 12],
  [IPV4_LENGTH + 4, IPV4_LENGTH + 8],
  [IPV4_LENGTH + 16, IPV4_LENGTH + 18],
] as const) {
  ALIKE.fill(0, from, to);
}
ALIKE[IPV4_LENGTH + TCP_FLAGS] = ~LAST & 0xff;

export class MergedFrames {
  /** Frames held; 0 for none. */
  count = 0;
  /** The last of them: its chain is that of the whole. The others have been given back. */
  slot: FrameSlot = NO_FRAME_SLOT;
  /** The flow's, as descriptors have it. */
  hash = 0;
  /** The whole, link header to last byte. Its IP length is right, its checksums are not. */
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  length = 0;
  /** Bytes of a full segment. */
  segment = 0;
  /** Nothing may join any more. */
  isComplete = false;
  private readonly pool: FramePool;
  private readonly ip = newIpv4();
  private readonly tcp = newTcp();
  /** Of the frame read last: bytes before IP, before the payload, and of the payload. */
  private link = 0;
  private headers = 0;
  private payload = 0;
  /** Of the whole: bytes before the payload, and the sequence number that comes next. */
  private heldHeaders = 0;
  private next = 0;

  constructor(pool: FramePool) {
    this.pool = pool;
  }

  /** Takes frame `slot` over if it may wait for others that continue it. Nothing is held. */
  begin(slot: FrameSlot, hash: number): boolean {
    if (!this.read(slot) || (this.tcp.flags & AT_ONCE) !== 0) return false;
    const { pool, payload, headers } = this;
    if (this.bytes.length === 0) {
      this.bytes = new Uint8Array(ETHERNET_LENGTH + VLAN_LENGTH + LONGEST_PACKET);
      this.view = new DataView(this.bytes.buffer);
    }
    this.count = 1;
    this.slot = slot;
    this.hash = hash;
    this.length = headers + payload;
    this.segment = payload;
    this.isComplete = false;
    this.heldHeaders = headers;
    this.next = (this.tcp.sequence + payload) | 0;
    copyBytes(pool.bytes, pool.frames[slot]!.start, this.bytes, 0, this.length);
    return true;
  }

  /** Takes frame `slot` over if it continues what is held. */
  append(slot: FrameSlot): boolean {
    if (this.count === 0 || this.isComplete || !this.read(slot) || !this.continues(slot)) {
      return false;
    }
    const { pool, payload, headers, link, tcp } = this;
    copyBytes(pool.bytes, pool.frames[slot]!.start + headers, this.bytes, this.length, payload);
    this.length += payload;
    this.view.setUint16(link + IPV4_TOTAL_LENGTH_OFFSET, this.length - link);
    this.bytes[link + IPV4_LENGTH + TCP_FLAGS]! |= tcp.flags & LAST;
    this.next = (this.next + payload) | 0;
    this.isComplete = payload < this.segment || (tcp.flags & LAST) !== 0;
    pool.release(this.slot);
    this.slot = slot;
    this.count++;
    return true;
  }

  /** Whether frame `slot` is a TCP segment with data, and nothing else about it. */
  private read(slot: FrameSlot): boolean {
    const { pool, ip, tcp } = this;
    const { view } = pool;
    // What may be damaged goes up alone, to be checked.
    const frame = pool.frames[slot]!;
    if (frame.suspect) return false;
    const { start, length } = frame;
    if (length < ETHERNET_LENGTH + VLAN_LENGTH + IPV4_LENGTH + TCP_LENGTH) return false;
    this.link = ETHERNET_LENGTH;
    if (isVlan(view.getUint16(start + ETHER_TYPE_OFFSET))) this.link += VLAN_LENGTH;
    if (view.getUint16(start + this.link - 2) !== ETHER_TYPE_IPV4) return false;
    parseIpv4(view, start + this.link, ip);
    if (ip.version !== 4 || ip.ihl * 4 !== IPV4_LENGTH || ip.protocol !== PROTOCOL_TCP)
      return false;
    if (ip.fragmentOffset !== 0 || (ip.flags & IPV4_MORE_FRAGMENTS) !== 0) return false;
    if (this.link + ip.totalLength > length) return false;
    parseTcp(view, start + this.link + IPV4_LENGTH, tcp);
    this.headers = this.link + IPV4_LENGTH + tcp.headerLength;
    this.payload = this.link + ip.totalLength - this.headers;
    return tcp.headerLength >= TCP_LENGTH && this.payload > 0;
  }

  private continues(slot: FrameSlot): boolean {
    const { pool, payload, headers, link, tcp } = this;
    if (tcp.sequence !== this.next || headers !== this.heldHeaders) return false;
    if (payload > this.segment || this.length - link + payload > LONGEST_PACKET) return false;
    const start = pool.frames[slot]!.start;
    for (let i = 0; i < headers; i++) {
      const alike = i < link ? 0xff : ALIKE[i - link]!;
      if (((pool.bytes[start + i]! ^ this.bytes[i]!) & alike) !== 0) return false;
    }
    return true;
  }
}
