/** Building packets: a frame in the pool with the fields that every packet has. */
import { BTH_LENGTH } from '../../../wire/bth.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import { PATH_LENGTH, type Path } from '../../../wire/path.js';
import type { FramePool } from '../fabric/frame-pool.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import { headersOf } from '../fabric/packet-headers.js';

/**
 * A frame with all header fields but those of extension headers, which are the caller's to set. Its bytes are not
 * written, but for the payload, which is the caller's too.
 */
export function beginPacket(
  pool: FramePool,
  path: Path,
  opcode: number,
  destQp: number,
  psn: number,
  payloadLength: number,
  ackReq: boolean,
  solicited: boolean,
): FrameSlot {
  const slot = pool.allocate();
  const frame = pool.frames[slot]!;
  const headers = headersOf(opcode);
  frame.start = pool.payloadAt(slot) - headers;
  frame.length = headers + payloadLength + (-payloadLength & 3) + ICRC_LENGTH;
  frame.headerLength = headers;
  frame.written = false;
  frame.path = path;
  frame.payloadLength = payloadLength;
  frame.opcode = opcode;
  frame.destQp = destQp;
  frame.psn = psn;
  frame.ackReq = ackReq ? 1 : 0;
  frame.solicited = solicited ? 1 : 0;
  return slot;
}

/** Where the extension headers of the frame in `slot` begin. */
export const extensionsAt = (pool: FramePool, slot: FrameSlot): number =>
  pool.frames[slot]!.start + PATH_LENGTH + BTH_LENGTH;
