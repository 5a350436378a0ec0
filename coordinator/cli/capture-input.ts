/**
 * Capture files as `pinwire decode` takes them: pcap or pcapng, gzipped or not, from a path or from standard input, and
 * their packets merged by time. A file whose last record is cut has the packets before it, and a warning.
 */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readCapture } from '../../wire/capture.js';
import { BrokenCapture, type CapturedPacket } from '../../wire/captured-packet.js';

/** Standard input, instead of a path. */
const STANDARD_INPUT = '-';
const GZIP_MAGIC = [0x1f, 0x8b];
/** Unpacked at most: as much as Node.js reads of a file. */
const LARGEST = 2 ** 31 - 1;

export interface CaptureInput {
  readonly name: string;
  /** The file's whole records. */
  readonly bytes: Uint8Array;
  /** No packet is earlier than the one before it. */
  readonly inOrder: boolean;
  /** Why the file's end could not be used. */
  readonly warning: string | undefined;
}

/** A packet and the input that it comes from. */
export interface MergedPacket {
  readonly input: CaptureInput;
  readonly packet: CapturedPacket;
}

/** The file, read and walked to its end; or why it cannot be decoded. */
export async function openCapture(
  name: string,
  input: NodeJS.ReadableStream,
): Promise<CaptureInput | string> {
  let bytes: Uint8Array;
  try {
    bytes = await unpacked(name === STANDARD_INPUT ? await buffer(input) : await readFile(name));
  } catch (error) {
    return reasonOf(error);
  }
  return walked(name, bytes);
}

/** `ENOENT: no such file or directory`: what the system says, without the call and the path behind it. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split(/[\n,]/, 1)[0]!;

async function unpacked(bytes: Uint8Array): Promise<Uint8Array> {
  if (!GZIP_MAGIC.every((byte, at) => bytes[at] === byte)) return bytes;
  return promisify(gunzip)(bytes, { maxOutputLength: LARGEST });
}

/** Walks the file once: a broken one is found before the first line is printed, and so is one that is not in order. */
function walked(name: string, bytes: Uint8Array): CaptureInput | string {
  let inOrder = true;
  let last: CapturedPacket | undefined;
  try {
    for (const packet of readCapture(bytes)) {
      if (last !== undefined && isEarlier(packet, last)) inOrder = false;
      last = packet;
    }
    return { name, bytes, inOrder, warning: undefined };
  } catch (error) {
    if (!(error instanceof BrokenCapture)) throw error;
    if (!error.isCut) return `not a whole pcap or pcapng capture: ${error.message}`;
    const warning = `cut inside its last record, which is left out: ${error.message}`;
    return { name, bytes: bytes.subarray(0, error.offset), inOrder, warning };
  }
}

const isEarlier = (a: CapturedPacket, b: CapturedPacket): boolean =>
  a.seconds < b.seconds || (a.seconds === b.seconds && a.picoseconds < b.picoseconds);

const compareTimes = (a: CapturedPacket, b: CapturedPacket): number =>
  a.seconds - b.seconds || a.picoseconds - b.picoseconds;

/** The input's packets by time; packets of one time keep the file's order. */
function byTime({ bytes, inOrder }: CaptureInput): Iterator<CapturedPacket, void> {
  if (inOrder) return readCapture(bytes);
  return [...readCapture(bytes)].sort(compareTimes).values();
}

/** The packets of all inputs by time; at one time by the order of the inputs, then of the file. */
export function* mergedByTime(inputs: readonly CaptureInput[]): Generator<MergedPacket, void> {
  const heads = inputs.map((input) => {
    const packets = byTime(input);
    return { input, packets, head: packets.next() };
  });
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    let earliest: CapturedPacket | undefined;
    for (const each of heads) {
      if (each.head.done === true) continue;
      const packet = each.head.value;
      if (earliest === undefined || isEarlier(packet, earliest)) [first, earliest] = [each, packet];
    }
    if (first === undefined || earliest === undefined) return;
    yield { input: first.input, packet: earliest };
    first.head = first.packets.next();
  }
}
