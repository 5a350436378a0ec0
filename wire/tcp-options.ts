/**
 * TCP's options: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323), selective acknowledgments (RFC 2018).
 * They are written in Linux's order and padding: on a SYN `02 04 mss | 04 02 08 0a value echo | 01 03 03 scale`, else
 * `01 01 08 0a value echo` and `01 01 05 length blocks`.
 */
const KIND = {
  END: 0,
  NOP: 1,
  MSS: 2,
  SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMP: 8,
} as const;
const LENGTH = { MSS: 4, SCALE: 3, SACK_PERMITTED: 2, TIMESTAMP: 10, SACK_BLOCK: 8 } as const;

/** What 40 bytes of options have room for. */
export const LARGEST_SACK = 4;
/** RFC 7323 2.3: a greater shift counts as this. */
export const LARGEST_SCALE = 14;

/**
 * `mss` and `scale` are -1 where the option is absent; `sack` holds left and right edges in turn, `sackBlocks` of each.
 */
export interface TcpOptions {
  mss: number;
  scale: number;
  sackPermitted: boolean;
  timestamp: boolean;
  timestampValue: number;
  timestampEcho: number;
  sackBlocks: number;
  readonly sack: Int32Array;
}

export const newTcpOptions = (): TcpOptions => ({
  mss: -1,
  scale: -1,
  sackPermitted: false,
  timestamp: false,
  timestampValue: 0,
  timestampEcho: 0,
  sackBlocks: 0,
  sack: new Int32Array(LARGEST_SACK * 2),
});

export function clearTcpOptions(options: TcpOptions): void {
  options.mss = -1;
  options.scale = -1;
  options.sackPermitted = false;
  options.timestamp = false;
  options.sackBlocks = 0;
}

/** Reads the options between `at` and `end`. What is malformed ends them; what stood before it counts, as in Linux. */
export function parseTcpOptions(view: DataView, at: number, end: number, into: TcpOptions): void {
  clearTcpOptions(into);
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === KIND.END) return;
    if (kind === KIND.NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return;
    const length = view.getUint8(at + 1);
    if (length < 2 || at + length > end) return;
    parseOption(view, at, kind, length, into);
    at += length;
  }
}

function parseOption(
  view: DataView,
  at: number,
  kind: number,
  length: number,
  into: TcpOptions,
): void {
  if (kind === KIND.MSS && length === LENGTH.MSS) into.mss = view.getUint16(at + 2);
  else if (kind === KIND.SCALE && length === LENGTH.SCALE) into.scale = view.getUint8(at + 2);
  else if (kind === KIND.SACK_PERMITTED && length === LENGTH.SACK_PERMITTED) {
    into.sackPermitted = true;
  } else if (kind === KIND.TIMESTAMP && length === LENGTH.TIMESTAMP) {
    into.timestamp = true;
    into.timestampValue = view.getInt32(at + 2);
    into.timestampEcho = view.getInt32(at + 6);
  } else if (kind === KIND.SACK && length > 2 && (length - 2) % LENGTH.SACK_BLOCK === 0) {
    into.sackBlocks = (length - 2) / LENGTH.SACK_BLOCK;
    for (let i = 0; i < into.sackBlocks * 2; i++) into.sack[i] = view.getInt32(at + 2 + i * 4);
  }
}

/** Bytes that {@link emitTcpOptions} will write: whole words. */
export function tcpOptionsLength(options: Readonly<TcpOptions>): number {
  let length = 0;
  if (options.mss >= 0) length += 4;
  if (options.timestamp) length += 12;
  else if (options.sackPermitted) length += 4;
  if (options.scale >= 0) length += 4;
  if (options.sackBlocks > 0) length += 4 + options.sackBlocks * LENGTH.SACK_BLOCK;
  return length;
}

export function emitTcpOptions(view: DataView, at: number, options: Readonly<TcpOptions>): void {
  if (options.mss >= 0) {
    view.setUint16(at, (KIND.MSS << 8) | LENGTH.MSS);
    view.setUint16(at + 2, options.mss);
    at += 4;
  }
  if (options.timestamp || options.sackPermitted) {
    const first = options.sackPermitted
      ? (KIND.SACK_PERMITTED << 8) | LENGTH.SACK_PERMITTED
      : (KIND.NOP << 8) | KIND.NOP;
    if (options.timestamp) {
      view.setUint16(at, first);
      view.setUint16(at + 2, (KIND.TIMESTAMP << 8) | LENGTH.TIMESTAMP);
      view.setInt32(at + 4, options.timestampValue);
      view.setInt32(at + 8, options.timestampEcho);
      at += 12;
    } else {
      view.setUint16(at, (KIND.NOP << 8) | KIND.NOP);
      view.setUint16(at + 2, first);
      at += 4;
    }
  }
  if (options.scale >= 0) {
    view.setUint16(at, (KIND.NOP << 8) | KIND.SCALE);
    view.setUint16(at + 2, (LENGTH.SCALE << 8) | options.scale);
    at += 4;
  }
  if (options.sackBlocks === 0) return;
  const words = options.sackBlocks * 2;
  view.setUint16(at, (KIND.NOP << 8) | KIND.NOP);
  view.setUint16(at + 2, (KIND.SACK << 8) | (2 + words * 4));
  for (let i = 0; i < words; i++) view.setInt32(at + 4 + i * 4, options.sack[i]!);
}
