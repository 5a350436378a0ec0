/**
 * What a NIC writes into a frame last: the ICRC of a RoCEv2 packet, the checksums of anything else that has some.
 * Between our own processes nobody would read them, so they are written only where somebody can look: captures, and
 * frames that a fault may damage.
 */
import { completeChecksums } from '../../../wire/checksums.js';
import { ETHERNET_LENGTH, ETHER_TYPE_IPV4, ETHER_TYPE_OFFSET } from '../../../wire/ethernet.js';
import { writeIcrc } from '../../../wire/icrc.js';
import { IPV4_LENGTH, PROTOCOL_UDP, IPV4_PROTOCOL_OFFSET } from '../../../wire/ipv4.js';
import { ROCE_PORT, UDP_LENGTH, UDP_DESTINATION_OFFSET } from '../../../wire/udp.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';

const IP_PROTOCOL_AT = ETHERNET_LENGTH + IPV4_PROTOCOL_OFFSET;
const UDP_DESTINATION_AT = ETHERNET_LENGTH + IPV4_LENGTH + UDP_DESTINATION_OFFSET;
const LEAST_ROCE = ETHERNET_LENGTH + IPV4_LENGTH + UDP_LENGTH;

/** Whether frame `slot` says that it is RoCEv2: IPv4 without options or VLAN, UDP, port 4791. */
export function isRoceFrame(pool: FramePool, slot: FrameSlot): boolean {
  const { view } = pool;
  const { start, length, written } = pool.frames[slot]!;
  if (!written) return true;
  return (
    length >= LEAST_ROCE &&
    view.getUint16(start + ETHER_TYPE_OFFSET) === ETHER_TYPE_IPV4 &&
    view.getUint8(start + ETHERNET_LENGTH) === 0x45 &&
    view.getUint8(start + IP_PROTOCOL_AT) === PROTOCOL_UDP &&
    view.getUint16(start + UDP_DESTINATION_AT) === ROCE_PORT
  );
}

export function finishFrame(pool: FramePool, slot: FrameSlot): void {
  pool.writeOut(slot);
  const { start, length, offload } = pool.frames[slot]!;
  if (isRoceFrame(pool, slot)) writeIcrc(pool.bytes, start, length);
  else if (offload) completeChecksums(pool.bytes, pool.view, start, length);
}
