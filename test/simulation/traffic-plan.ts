/**
 * Random traffic as a plan: what every queue pair of every host will post, drawn from a seed before anything runs. Both
 * sides make the same plan, so each knows what it must receive, and what its memory must hold at the end.
 */
import { RandomStream } from '../../sim/random.js';

export interface TrafficShape {
  readonly seed: number;
  readonly queuePairs: number;
  /** Requests of each queue pair. */
  readonly requests: number;
  readonly mtu: number;
}

export const LONGEST = 4000;
/** Each queue pair's own areas in its host's memory. */
export const AREA = 16384;
export const WORDS = 8;

export type PlannedKind =
  'send' | 'sendImm' | 'write' | 'writeImm' | 'read' | 'readBack' | 'fetchAdd' | 'compareSwap';

export interface PlannedRequest {
  readonly kind: PlannedKind;
  readonly signaled: boolean;
  readonly inline: boolean;
  readonly fence: boolean;
  /** Where in the sender's source area, and where in the peer's area. */
  readonly from: number;
  readonly to: number;
  readonly length: number;
  /** Bytes of the first SGE of two; the whole length for one. */
  readonly split: number;
  readonly immediate: number;
  readonly operand: bigint;
  readonly compare: bigint;
  /** Of what is read or answered: the bytes, or the word, that must come back; undefined where others may interfere. */
  readonly expected: Uint8Array | bigint | undefined;
}

/** What one queue pair of one host does to its peer. */
export interface Plan {
  readonly requests: readonly PlannedRequest[];
  /** The sender's data, the peer's data that is only read, and what the peer's written area holds in the end. */
  readonly source: Uint8Array;
  readonly readable: Uint8Array;
  readonly written: Uint8Array;
  readonly ownWord: bigint;
  /** What it adds to the words that all queue pairs add to. */
  readonly added: readonly bigint[];
  readonly cap: { readonly signalAll: boolean; readonly rdAtomic: number; readonly sqPsn: number };
}

const KINDS: readonly PlannedKind[] = [
  ...(['send', 'send', 'sendImm', 'write', 'write', 'writeImm', 'read', 'read'] as const),
  ...(['readBack', 'fetchAdd', 'fetchAdd', 'compareSwap'] as const),
];

export function planTraffic(shape: TrafficShape, host: number, queuePair: number): Plan {
  const random = new RandomStream(shape.seed, `host${host}/qp${queuePair}/plan`);
  const below = (bound: number): number => Math.floor(random.unit() * bound);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));
  const source = bytes(AREA);
  const readable = bytes(AREA);
  const written = new Uint8Array(AREA);
  const added = new Array<bigint>(WORDS).fill(0n);
  const signalAll = random.unit() < 0.2;
  let ownWord = 0n;
  let fenceNext = false;
  const requests: PlannedRequest[] = [];
  for (let i = 0; i < shape.requests; i++) {
    const kind = KINDS[below(KINDS.length)]!;
    const length = lengthOf(kind, shape.mtu, below);
    const to = below(AREA - length + 1);
    const from = below(AREA - length + 1);
    const operand = BigInt(below(2 ** 31)) << BigInt(below(34));
    // What it will find there, half of the time.
    const compare = random.unit() < 0.5 ? ownWord : BigInt(below(1000));
    const word = below(WORDS);
    let expected: Uint8Array | bigint | undefined;
    if (kind === 'write' || kind === 'writeImm') {
      written.set(source.subarray(from, from + length), to);
    } else if (kind === 'read') {
      expected = readable.slice(to, to + length);
    } else if (kind === 'readBack') {
      expected = written.slice(to, to + length);
    } else if (kind === 'fetchAdd') {
      added[word] = BigInt.asUintN(64, added[word]! + operand);
    } else if (kind === 'compareSwap') {
      expected = ownWord;
      if (compare === ownWord) ownWord = operand;
    }
    requests.push({
      kind,
      signaled: signalAll || random.unit() < 0.6 || i === shape.requests - 1,
      inline: length <= 128 && random.unit() < 0.3 && /^(?:send|write)/.test(kind),
      // A WRITE behind a READ may pass it at the responder unless it is fenced.
      fence: fenceNext || random.unit() < 0.05,
      from,
      to: kind === 'fetchAdd' ? word * 8 : to,
      length,
      split: length > 1 && random.unit() < 0.4 && kind !== 'fetchAdd' ? below(length) : length,
      immediate: below(2 ** 32),
      operand,
      compare,
      expected,
    });
    fenceNext = kind === 'readBack';
  }
  const psn = random.unit() < 0.5 ? 0xffffff - below(200) : below(2 ** 24);
  const cap = { signalAll, rdAtomic: 1 + below(8), sqPsn: psn };
  return { requests, source, readable, written, ownWord, added, cap };
}

function lengthOf(kind: PlannedKind, mtu: number, below: (bound: number) => number): number {
  if (kind === 'fetchAdd' || kind === 'compareSwap') return 8;
  const choice = below(10);
  if (choice === 0) return 0;
  if (choice <= 3) return below(64);
  if (choice <= 5) return Math.max(0, mtu * (1 + below(Math.floor(LONGEST / mtu))) - 2 + below(4));
  return below(LONGEST);
}
