/** What kind of work a request packet asks for, by opcode: the responder's checks go by it. */
import { OPCODE_INFO } from '../../../wire/opcode-table.js';
import { ACCESS } from './access-flags.js';

export const GROUP = { none: 0, send: 1, write: 2, read: 3, atomic: 4 } as const;

/** By opcode: its group; `none` for what is no request on a reliable connection. */
export const GROUP_OF = Uint8Array.from(OPCODE_INFO, (info) => {
  if (info?.transport !== 'RC' || info.kind !== 'request') return GROUP.none;
  if (info.operation === 'send') return GROUP.send;
  if (info.operation === 'write') return GROUP.write;
  return info.operation === 'read-request' ? GROUP.read : GROUP.atomic;
});

/** By group: the access flag that the queue pair must grant. */
export const ACCESS_OF_GROUP = Uint8Array.of(
  0,
  0,
  ACCESS.REMOTE_WRITE,
  ACCESS.REMOTE_READ,
  ACCESS.REMOTE_ATOMIC,
);
