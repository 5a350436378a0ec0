/** Which packet opcode a request takes at each place in its message. */
import { OPCODE } from '../../../wire/opcode-table.js';
import { SEND_OPCODE } from './work-queue-entry.js';

export const POSITION = { first: 0, middle: 1, last: 2, only: 3 } as const;

const NONE = 0xff;

/** By send opcode * 4 + position. */
const RC_REQUESTS = Uint8Array.of(
  ...[OPCODE.RC_SEND_FIRST, OPCODE.RC_SEND_MIDDLE, OPCODE.RC_SEND_LAST, OPCODE.RC_SEND_ONLY],
  ...[
    OPCODE.RC_SEND_FIRST,
    OPCODE.RC_SEND_MIDDLE,
    OPCODE.RC_SEND_LAST_IMM,
    OPCODE.RC_SEND_ONLY_IMM,
  ],
  ...[OPCODE.RC_WRITE_FIRST, OPCODE.RC_WRITE_MIDDLE, OPCODE.RC_WRITE_LAST, OPCODE.RC_WRITE_ONLY],
  ...[
    OPCODE.RC_WRITE_FIRST,
    OPCODE.RC_WRITE_MIDDLE,
    OPCODE.RC_WRITE_LAST_IMM,
    OPCODE.RC_WRITE_ONLY_IMM,
  ],
  ...[NONE, NONE, NONE, OPCODE.RC_READ_REQ],
  ...[NONE, NONE, NONE, OPCODE.RC_CMP_SWAP],
  ...[NONE, NONE, NONE, OPCODE.RC_FETCH_ADD],
);

export const requestOpcode = (sendOpcode: number, position: number): number =>
  RC_REQUESTS[sendOpcode * 4 + position]!;

export const positionOf = (packet: number, packets: number): number =>
  packets === 1
    ? POSITION.only
    : packet === 0
      ? POSITION.first
      : packet === packets - 1
        ? POSITION.last
        : POSITION.middle;

/** READs and atomics: one request packet, an answer with data, and a place among max_rd_atomic. */
export const isReadOrAtomic = (sendOpcode: number): boolean => sendOpcode >= SEND_OPCODE.RDMA_READ;
export const isAtomic = (sendOpcode: number): boolean =>
  sendOpcode >= SEND_OPCODE.ATOMIC_CMP_AND_SWP;
