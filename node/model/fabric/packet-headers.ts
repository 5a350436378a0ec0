/**
 * The headers of a RoCEv2 packet as fields of a {@link Frame} and as bytes of its slot: the one emitter and the one
 * parser, and the trace hash of bytes that nobody wrote. The headers of atomics are bytes only: a frame with one is
 * written.
 */
import type { TraceHash } from '../../../sim/trace.js';
import { AETH_LENGTH, emitAeth, parseAeth } from '../../../wire/aeth.js';
import { BTH_LENGTH, DEFAULT_PKEY, emitBth, newBth, parseBth, TVER } from '../../../wire/bth.js';
import { ICRC_LENGTH } from '../../../wire/icrc.js';
import { emitImmDt, IMM_DT_LENGTH, parseImmDt } from '../../../wire/imm-dt.js';
import {
  EXTENSION,
  EXTENSION_BITS,
  EXTENSION_LENGTH,
  IS_KNOWN,
} from '../../../wire/opcode-table.js';
import { PATH_LENGTH, PATH_WORDS } from '../../../wire/path.js';
import { emitReth, parseReth, RETH_LENGTH } from '../../../wire/reth.js';
import type { Frame } from './frame.js';

/** Where the extension headers begin. */
const EXTENSIONS_AT = PATH_LENGTH + BTH_LENGTH;

/** Of packets that are made here: reserved bits and congestion stay as {@link newBth} has them. */
const outgoing = newBth();
const incoming = newBth();

/** Bytes of all headers of a packet with this opcode. */
export const headersOf = (opcode: number): number => EXTENSIONS_AT + EXTENSION_LENGTH[opcode]!;

/**
 * Writes the headers of `frame`, which are its fields, at its start, and zeros behind its payload: padding and ICRC.
 */
export function emitHeaders(frame: Frame, bytes: Uint8Array, view: DataView): void {
  const { start, length, opcode, payloadLength } = frame;
  frame.path!.emit(bytes, view, start, length);
  outgoing.opcode = opcode;
  outgoing.solicited = frame.solicited;
  outgoing.padCount = -payloadLength & 3;
  outgoing.destQp = frame.destQp;
  outgoing.ackReq = frame.ackReq;
  outgoing.psn = frame.psn;
  emitBth(view, start + PATH_LENGTH, outgoing);
  const bits = EXTENSION_BITS[opcode]!;
  const end = start + headersOf(opcode);
  if ((bits & EXTENSION.reth) !== 0) emitReth(view, start + EXTENSIONS_AT, frame);
  if ((bits & EXTENSION.aeth) !== 0) emitAeth(view, start + EXTENSIONS_AT, frame);
  if ((bits & EXTENSION.immediate) !== 0) emitImmDt(view, end - IMM_DT_LENGTH, frame);
  bytes.fill(0, end + payloadLength, start + length);
}

/** Reads the headers of `frame` into its fields; false when they are not those of a well-formed packet. */
export function parseHeaders(frame: Frame, view: DataView): boolean {
  const { start, length, headerLength } = frame;
  parseBth(view, start + PATH_LENGTH, incoming);
  const { opcode } = incoming;
  frame.opcode = opcode;
  frame.destQp = incoming.destQp;
  frame.psn = incoming.psn;
  frame.ackReq = incoming.ackReq;
  frame.solicited = incoming.solicited;
  frame.pkey = incoming.pkey;
  frame.payloadLength = length - headerLength - incoming.padCount - ICRC_LENGTH;
  const isWellFormed =
    IS_KNOWN[opcode] === 1 &&
    incoming.tver === TVER &&
    headerLength === headersOf(opcode) &&
    frame.payloadLength >= 0 &&
    (length - headerLength) % 4 === 0;
  if (!isWellFormed) return false;
  const bits = EXTENSION_BITS[opcode]!;
  if ((bits & EXTENSION.reth) !== 0) parseReth(view, start + EXTENSIONS_AT, frame);
  if ((bits & EXTENSION.aeth) !== 0) parseAeth(view, start + EXTENSIONS_AT, frame);
  if ((bits & EXTENSION.immediate) !== 0) {
    parseImmDt(view, start + headerLength - IMM_DT_LENGTH, frame);
  }
  return true;
}

/** Words before the headers: the instant's two, the source, the length. */
const FIRST_WORDS = 4;
/** The most words of a packet that can be unwritten: those of a WRITE with immediate. */
const words = new Int32Array(
  FIRST_WORDS + PATH_WORDS + (BTH_LENGTH + RETH_LENGTH + AETH_LENGTH) / 4 + 1,
);

/**
 * Folds what is traced of an unwritten `frame` at its time into `trace`, in one go: as {@link TraceHash.number}, two
 * calls of {@link TraceHash.word} and {@link TraceHash.bytes} would if its headers were bytes. Ethernet's 14 bytes put
 * all behind UDP's checksum, which is zero, half a word off: `half` is the upper half of the next word.
 */
export function traceUnwritten(trace: TraceHash, frame: Frame): void {
  const { opcode, psn, destQp, time } = frame;
  words[0] = time | 0;
  words[1] = (time / 2 ** 32) | 0;
  words[2] = frame.source;
  words[3] = frame.length;
  let count = frame.path!.words(words, FIRST_WORDS, frame.length);
  const padding = -frame.payloadLength & 3;
  words[count++] = (opcode << 8) | (frame.solicited << 7) | (padding << 4) | TVER;
  words[count++] = (DEFAULT_PKEY << 16) | (destQp >>> 16);
  words[count++] = (destQp << 16) | (frame.ackReq << 15) | (psn >>> 16);
  let half = psn << 16;
  const bits = EXTENSION_BITS[opcode]!;
  if ((bits & EXTENSION.reth) !== 0) {
    const { vaHigh, vaLow, rkey, dmaLength } = frame;
    words[count++] = half | (vaHigh >>> 16);
    words[count++] = (vaHigh << 16) | (vaLow >>> 16);
    words[count++] = (vaLow << 16) | (rkey >>> 16);
    words[count++] = (rkey << 16) | (dmaLength >>> 16);
    half = dmaLength << 16;
  }
  if ((bits & EXTENSION.aeth) !== 0) {
    words[count++] = half | (frame.syndrome << 8) | (frame.msn >>> 16);
    half = frame.msn << 16;
  }
  if ((bits & EXTENSION.immediate) !== 0) {
    words[count++] = half | (frame.immediate >>> 16);
    half = frame.immediate << 16;
  }
  words[count++] = half >>> 16;
  trace.words(words, count);
}
