/**
 * `pinwire decode FILE...`: anybody's RoCEv2 captures, by time, one line a packet, and a JSON summary over all files.
 * Packets are counted under the names of wire/opcode-table.ts: `RC SEND_FIRST`, `CNP`, `opcode 0x1f` for one unknown.
 * Each file is held in memory while it is decoded; a file beyond 2 GiB is refused.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { CapturedPacket } from '../../wire/captured-packet.js';
import { describe } from '../../wire/describe.js';
import { emitFrame, type Frame } from '../../wire/frame.js';
import { parseFrame } from '../../wire/frame-parser.js';
import { opcodeName } from '../../wire/opcode-table.js';
import { mergedByTime, openCapture, reasonOf, type CaptureInput } from './capture-input.js';
import { packetFilter, type FilterOptions, type PacketFilter } from './packet-filter.js';

export interface DecodeOptions extends FilterOptions {
  /** Where to write the summary; `-` for standard output, instead of the packets. */
  readonly json?: string | undefined;
  /** What the file name `-` reads. */
  readonly input?: NodeJS.ReadableStream;
  readonly write: (line: string) => void;
  readonly error: (line: string) => void;
}

interface Summary {
  packets: number;
  /** UDP to port 4791, whatever is wrong with it. */
  roce: number;
  icrc_bad: number;
  /** Too short for its headers, or of impossible lengths; packets of other protocols too. */
  malformed: number;
  /** Packets that parse, and emit to the same bytes. */
  reemitted_equal: number;
  opcodes: Record<string, number>;
}

const DONE = 0;
const BAD_USAGE = 2;
const STANDARD_OUTPUT = '-';
/** Packets between two turns of the event loop, so that Ctrl-C is heard. */
const PACKETS_PER_TURN = 1024;

/**
 * Writes the lines and the summary, of the packets that pass the filter. The exit status: 0 whatever the packets hold,
 * with a warning to `error` for a file that is cut inside its last record; 2 after one line to `error` if a file is
 * missing, broken or cannot be written, found before the first packet is printed. Throws a UsageError for a filter that
 * cannot be read.
 */
export async function decode(files: readonly string[], options: DecodeOptions): Promise<number> {
  const filter = packetFilter(options);
  const inputs: CaptureInput[] = [];
  for (const name of files) {
    const input = await openCapture(name, options.input ?? process.stdin);
    if (typeof input === 'string') {
      options.error(`decode: ${name}: ${input}`);
      return BAD_USAGE;
    }
    inputs.push(input);
  }
  if (inputs.length === 0) {
    options.error('decode: name at least one capture file');
    return BAD_USAGE;
  }
  for (const { name, warning } of inputs) {
    if (warning !== undefined) options.error(`decode: ${name}: ${warning}`);
  }
  if (options.json === STANDARD_OUTPUT) {
    const summary = await decodeAll(inputs, filter, () => undefined);
    options.write(JSON.stringify(summary, null, 2));
    return DONE;
  }
  let json: FileHandle | undefined;
  if (options.json !== undefined) {
    try {
      json = await open(options.json, 'w');
    } catch (error) {
      options.error(`decode: ${options.json}: ${reasonOf(error)}`);
      return BAD_USAGE;
    }
  }
  try {
    const summary = await decodeAll(inputs, filter, options.write);
    await json?.writeFile(`${JSON.stringify(summary, null, 2)}\n`);
  } finally {
    await json?.close();
  }
  return DONE;
}

async function decodeAll(
  inputs: readonly CaptureInput[],
  filter: PacketFilter,
  write: (line: string) => void,
): Promise<Summary> {
  const summary: Summary = {
    packets: 0,
    roce: 0,
    icrc_bad: 0,
    malformed: 0,
    reemitted_equal: 0,
    opcodes: {},
  };
  const opcodeCounts = new Array<number>(256).fill(0);
  let walked = 0;
  for (const { input, packet } of mergedByTime(inputs)) {
    if (++walked % PACKETS_PER_TURN === 0) await setImmediate();
    const frame = parseFrame(packet.bytes, packet.linkType, packet.wireLength);
    if (!filter(frame)) continue;
    addPacket(summary, opcodeCounts, packet, frame);
    write((inputs.length > 1 ? `${input.name}: ` : '') + describe(packet, frame));
  }
  opcodeCounts.forEach((count, opcode) => {
    if (count > 0) summary.opcodes[opcodeName(opcode)] = count;
  });
  return summary;
}

function addPacket(
  summary: Summary,
  opcodeCounts: number[],
  packet: CapturedPacket,
  frame: Frame,
): void {
  summary.packets++;
  if (frame.isRoce) summary.roce++;
  if (frame.roce !== undefined) {
    opcodeCounts[frame.roce.bth.opcode]!++;
    if (frame.roce.icrcVerdict === 'wrong') summary.icrc_bad++;
  }
  if (frame.fault !== undefined) summary.malformed++;
  else if (Buffer.compare(emitFrame(frame), packet.bytes) === 0) summary.reemitted_equal++;
}
