/**
 * Every opcode that RoCEv2 carries here: reliable and unreliable connections, datagrams, and the congestion
 * notification packet (IBTA table 38, annex A17.9.3). Code asks this table; it does not switch on opcodes.
 * Not modelled: reliable datagrams, XRC, and the FLUSH and ATOMIC WRITE of later revisions.
 */
import { AETH_LENGTH } from './aeth.js';
import { ATOMIC_ACK_ETH_LENGTH } from './atomic-ack-eth.js';
import { ATOMIC_ETH_LENGTH } from './atomic-eth.js';
import { DETH_LENGTH } from './deth.js';
import { IETH_LENGTH } from './ieth.js';
import { IMM_DT_LENGTH } from './imm-dt.js';
import { RETH_LENGTH } from './reth.js';

export type Transport = 'RC' | 'UC' | 'UD' | 'CNP';

export type Operation =
  | 'send'
  | 'write'
  | 'read-request'
  | 'read-response'
  | 'ack'
  | 'atomic-ack'
  | 'cmp-swap'
  | 'fetch-add'
  | 'cnp';

/** Where a packet stands in its message. */
export type Position = 'first' | 'middle' | 'last' | 'only';

/** Extension headers behind the BTH, by the bit that {@link EXTENSION_BITS} sets for each. */
export const EXTENSION = {
  deth: 1,
  reth: 2,
  atomic: 4,
  aeth: 8,
  atomicAck: 16,
  immediate: 32,
  ieth: 64,
} as const;
export type Extension = keyof typeof EXTENSION;

/** Bytes of each extension header. */
export const EXTENSION_HEADER_LENGTH: Readonly<Record<Extension, number>> = {
  deth: DETH_LENGTH,
  reth: RETH_LENGTH,
  atomic: ATOMIC_ETH_LENGTH,
  aeth: AETH_LENGTH,
  atomicAck: ATOMIC_ACK_ETH_LENGTH,
  immediate: IMM_DT_LENGTH,
  ieth: IETH_LENGTH,
};

/** `extensions` in the order of the wire. */
export interface OpcodeInfo {
  readonly opcode: number;
  /** As reports and `decode` print it. */
  readonly name: string;
  readonly transport: Transport;
  readonly operation: Operation;
  readonly position: Position;
  readonly extensions: readonly Extension[];
  readonly payload: boolean;
  readonly kind: 'request' | 'response';
}

type Row = readonly [
  opcode: number,
  operation: Operation,
  position: Position,
  extensions: readonly Extension[],
  payload: 'payload' | 'no payload',
  kind: 'request' | 'response',
];

// prettier-ignore
const ROWS = {
  RC_SEND_FIRST:       [0x00, 'send',          'first',  [],                    'payload',    'request'],
  RC_SEND_MIDDLE:      [0x01, 'send',          'middle', [],                    'payload',    'request'],
  RC_SEND_LAST:        [0x02, 'send',          'last',   [],                    'payload',    'request'],
  RC_SEND_LAST_IMM:    [0x03, 'send',          'last',   ['immediate'],         'payload',    'request'],
  RC_SEND_ONLY:        [0x04, 'send',          'only',   [],                    'payload',    'request'],
  RC_SEND_ONLY_IMM:    [0x05, 'send',          'only',   ['immediate'],         'payload',    'request'],
  RC_WRITE_FIRST:      [0x06, 'write',         'first',  ['reth'],              'payload',    'request'],
  RC_WRITE_MIDDLE:     [0x07, 'write',         'middle', [],                    'payload',    'request'],
  RC_WRITE_LAST:       [0x08, 'write',         'last',   [],                    'payload',    'request'],
  RC_WRITE_LAST_IMM:   [0x09, 'write',         'last',   ['immediate'],         'payload',    'request'],
  RC_WRITE_ONLY:       [0x0a, 'write',         'only',   ['reth'],              'payload',    'request'],
  RC_WRITE_ONLY_IMM:   [0x0b, 'write',         'only',   ['reth', 'immediate'], 'payload',    'request'],
  RC_READ_REQ:         [0x0c, 'read-request',  'only',   ['reth'],              'no payload', 'request'],
  RC_READ_RESP_FIRST:  [0x0d, 'read-response', 'first',  ['aeth'],              'payload',    'response'],
  RC_READ_RESP_MIDDLE: [0x0e, 'read-response', 'middle', [],                    'payload',    'response'],
  RC_READ_RESP_LAST:   [0x0f, 'read-response', 'last',   ['aeth'],              'payload',    'response'],
  RC_READ_RESP_ONLY:   [0x10, 'read-response', 'only',   ['aeth'],              'payload',    'response'],
  RC_ACK:              [0x11, 'ack',           'only',   ['aeth'],              'no payload', 'response'],
  RC_ATOMIC_ACK:       [0x12, 'atomic-ack',    'only',   ['aeth', 'atomicAck'], 'no payload', 'response'],
  RC_CMP_SWAP:         [0x13, 'cmp-swap',      'only',   ['atomic'],            'no payload', 'request'],
  RC_FETCH_ADD:        [0x14, 'fetch-add',     'only',   ['atomic'],            'no payload', 'request'],
  RC_SEND_LAST_INV:    [0x16, 'send',          'last',   ['ieth'],              'payload',    'request'],
  RC_SEND_ONLY_INV:    [0x17, 'send',          'only',   ['ieth'],              'payload',    'request'],
  UC_SEND_FIRST:       [0x20, 'send',          'first',  [],                    'payload',    'request'],
  UC_SEND_MIDDLE:      [0x21, 'send',          'middle', [],                    'payload',    'request'],
  UC_SEND_LAST:        [0x22, 'send',          'last',   [],                    'payload',    'request'],
  UC_SEND_LAST_IMM:    [0x23, 'send',          'last',   ['immediate'],         'payload',    'request'],
  UC_SEND_ONLY:        [0x24, 'send',          'only',   [],                    'payload',    'request'],
  UC_SEND_ONLY_IMM:    [0x25, 'send',          'only',   ['immediate'],         'payload',    'request'],
  UC_WRITE_FIRST:      [0x26, 'write',         'first',  ['reth'],              'payload',    'request'],
  UC_WRITE_MIDDLE:     [0x27, 'write',         'middle', [],                    'payload',    'request'],
  UC_WRITE_LAST:       [0x28, 'write',         'last',   [],                    'payload',    'request'],
  UC_WRITE_LAST_IMM:   [0x29, 'write',         'last',   ['immediate'],         'payload',    'request'],
  UC_WRITE_ONLY:       [0x2a, 'write',         'only',   ['reth'],              'payload',    'request'],
  UC_WRITE_ONLY_IMM:   [0x2b, 'write',         'only',   ['reth', 'immediate'], 'payload',    'request'],
  UD_SEND_ONLY:        [0x64, 'send',          'only',   ['deth'],              'payload',    'request'],
  UD_SEND_ONLY_IMM:    [0x65, 'send',          'only',   ['deth', 'immediate'], 'payload',    'request'],
  // Its 16 reserved bytes stand where a payload would.
  CNP:                 [0x81, 'cnp',           'only',   [],                    'payload',    'request'],
} as const satisfies Record<string, Row>;

export type OpcodeName = keyof typeof ROWS;
type Opcodes = { readonly [Name in OpcodeName]: (typeof ROWS)[Name][0] };

/** Opcode bytes by name: `OPCODE.RC_WRITE_ONLY` is 0x0a. */
export const OPCODE: Opcodes = Object.fromEntries(
  Object.entries(ROWS).map(([name, row]) => [name, row[0]]),
) as Opcodes;

/** By opcode byte; undefined where there is none. */
export const OPCODE_INFO: readonly (OpcodeInfo | undefined)[] = infoByOpcode();

function infoByOpcode(): (OpcodeInfo | undefined)[] {
  const table = new Array<OpcodeInfo | undefined>(256).fill(undefined);
  for (const [key, row] of Object.entries(ROWS) as [OpcodeName, Row][]) {
    const [opcode, operation, position, extensions, payload, kind] = row;
    table[opcode] = {
      opcode,
      name: key.replace('_', ' '),
      transport: key.split('_')[0] as Transport,
      operation,
      position,
      extensions,
      payload: payload === 'payload',
      kind,
    };
  }
  return table;
}

const numbers = (value: (info: OpcodeInfo) => number): Uint8Array =>
  Uint8Array.from(OPCODE_INFO, (info) => (info === undefined ? 0 : value(info)));

/** By opcode byte, for hot paths: bytes of all extension headers; 0 also where there is no such opcode. */
export const EXTENSION_LENGTH = numbers((info) =>
  info.extensions.reduce((sum, extension) => sum + EXTENSION_HEADER_LENGTH[extension], 0),
);
/** By opcode byte: which extension headers, as bits of {@link EXTENSION}. */
export const EXTENSION_BITS = numbers((info) =>
  info.extensions.reduce((bits, extension) => bits | EXTENSION[extension], 0),
);
/** By opcode byte: 1 if there is such an opcode. */
export const IS_KNOWN = numbers(() => 1);
/** By opcode byte: 1 if the opcode answers a request. */
export const IS_RESPONSE = numbers((info) => (info.kind === 'response' ? 1 : 0));
/** By opcode byte: 1 if the packet begins its message (FIRST or ONLY). */
export const IS_START = numbers((info) =>
  info.position === 'first' || info.position === 'only' ? 1 : 0,
);
/** By opcode byte: 1 if the packet ends its message (LAST or ONLY). */
export const IS_END = numbers((info) =>
  info.position === 'last' || info.position === 'only' ? 1 : 0,
);

/** By opcode byte: 1 if the packet carries immediate data. */
export const HAS_IMMEDIATE = numbers((info) => (info.extensions.includes('immediate') ? 1 : 0));

/** The name that a report counts a packet under: `RC SEND_FIRST`, `CNP`, or `opcode 0x1f` where there is none. */
export const opcodeName = (opcode: number): string =>
  OPCODE_INFO[opcode]?.name ?? `opcode 0x${opcode.toString(16).padStart(2, '0')}`;
