/**
 * `pinwire decode FILE...`: anybody's RoCEv2 captures, one line a packet, and a JSON summary over all files.
 * Packets are counted under the names of wire/opcode-table.ts: `RC SEND_FIRST`, `CNP`, `opcode 0x1f` for one unknown.
 * Each file is held in memory while it is decoded; a file beyond 2 GiB is refused.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { readCapture } from '../../wire/capture.js';
import { BrokenCapture, type CapturedPacket } from '../../wire/captured-packet.js';
import { describe } from '../../wire/describe.js';
import { emitFrame, type Frame } from '../../wire/frame.js';
import { parseFrame } from '../../wire/frame-parser.js';
import { opcodeName } from '../../wire/opcode-table.js';

export interface DecodeOptions {
  /** Where to write the summary. */
  readonly json?: string | undefined;
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

interface InputFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const DONE = 0;
const BAD_USAGE = 2;
/** Packets between two turns of the event loop, so that Ctrl-C is heard. */
const PACKETS_PER_TURN = 1024;

/**
 * Writes the lines and the summary. The exit status: 0 whatever the packets hold; 2 after one line to `error` if a
 * file is missing, broken or cannot be written, found before the first packet is printed.
 */
export async function decode(files: readonly string[], options: DecodeOptions): Promise<number> {
  const inputs: InputFile[] = [];
  for (const name of files) {
    const input = await openCapture(name);
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
    const summary = await decodeAll(inputs, options.write);
    await json?.writeFile(`${JSON.stringify(summary, null, 2)}\n`);
  } finally {
    await json?.close();
  }
  return DONE;
}

/** The file, read and walked to its end; or why it cannot be decoded. */
async function openCapture(name: string): Promise<InputFile | string> {
  try {
    const bytes = await readFile(name);
    // The walk is the check: a broken file is found before the first line is printed.
    const packets = readCapture(bytes);
    while (packets.next().done !== true) continue;
    return { name, bytes };
  } catch (error) {
    return error instanceof BrokenCapture
      ? `not a whole pcap or pcapng capture: ${error.message}`
      : reasonOf(error);
  }
}

/** `ENOENT: no such file or directory`: what the system says, without the call and the path behind it. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split(/[\n,]/, 1)[0]!;

async function decodeAll(
  inputs: readonly InputFile[],
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
  for (const { name, bytes } of inputs) {
    const prefix = inputs.length > 1 ? `${name}: ` : '';
    for (const packet of readCapture(bytes)) {
      const frame = parseFrame(packet.bytes, packet.linkType, packet.wireLength);
      addPacket(summary, opcodeCounts, packet, frame);
      write(prefix + describe(packet, frame));
      if (summary.packets % PACKETS_PER_TURN === 0) await setImmediate();
    }
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
