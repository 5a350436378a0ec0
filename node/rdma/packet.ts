/** Building a packet in a frame slot: path headers, BTH, room for the extension headers and the payload. */
import { BTH_LENGTH, emitBth, newBth } from '../../wire/bth.js';
import { ICRC_LENGTH } from '../../wire/icrc.js';
import { EXTENSION_LENGTH } from '../../wire/opcode-table.js';
import type { FramePool } from '../link/frame-pool.js';
import { PATH_LENGTH, type Path } from './path.js';

/** The BTH of the packet being built. One per process is enough: nothing else runs while a packet is built. */
const bth = newBth();

/**
 * A frame with all headers but the extension headers, which begin at {@link extensionsAt}. Padding and ICRC bytes are
 * zero; whoever lets the frame out of the process computes the ICRC.
 */
export function beginPacket(
  pool: FramePool,
  path: Path,
  opcode: number,
  destQp: number,
  psn: number,
  payload: number,
  ackReq: boolean,
  solicited: boolean,
): number {
  const slot = pool.allocate();
  const pad = -payload & 3;
  const headers = PATH_LENGTH + BTH_LENGTH + EXTENSION_LENGTH[opcode]!;
  const payloadAt = pool.payloadAt(slot);
  const start = payloadAt - headers;
  const length = headers + payload + pad + ICRC_LENGTH;
  pool.start[slot] = start;
  pool.length[slot] = length;
  pool.headerLength[slot] = headers;
  const { bytes, view } = pool;
  path.emit(bytes, view, start, length);
  bth.opcode = opcode;
  bth.solicited = solicited ? 1 : 0;
  bth.padCount = pad;
  bth.destQp = destQp;
  bth.ackReq = ackReq ? 1 : 0;
  bth.psn = psn;
  emitBth(view, start + PATH_LENGTH, bth);
  const end = start + length;
  for (let at = payloadAt + payload; at < end; at++) bytes[at] = 0;
  return slot;
}

/** Where the extension headers of the frame in `slot` begin. */
export const extensionsAt = (pool: FramePool, slot: number): number =>
  pool.start[slot]! + PATH_LENGTH + BTH_LENGTH;
