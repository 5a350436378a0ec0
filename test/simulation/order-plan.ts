/**
 * Operations of all kinds on overlapping bytes, drawn from a seed, and the plain sequential model that says what they
 * may find: memory after each operation, done one after the other in the order in which they are posted.
 */
import { RandomStream } from '../../sim/random.js';

export const AREA = 1024;
const WORDS = 8;
export const RECEIVE = 64;

export interface Operation {
  readonly kind: 'write' | 'writeImm' | 'send' | 'read' | 'fetchAdd' | 'compareSwap';
  /** Where in the area, and how many bytes. */
  readonly at: number;
  readonly length: number;
  /** It begins when READs and atomics before it have ended. */
  readonly fence: boolean;
  readonly bytes: Uint8Array;
  readonly operand: bigint;
  readonly compare: bigint;
}

const KINDS = [
  ...(['write', 'write', 'write', 'writeImm', 'send', 'send'] as const),
  ...(['read', 'read', 'fetchAdd', 'fetchAdd', 'compareSwap'] as const),
];

export function planOrder(seed: number, queuePair: number, count: number): Operation[] {
  const random = new RandomStream(seed, `order/qp${queuePair}`);
  return Array.from({ length: count }, () => {
    const kind = KINDS[random.below(KINDS.length)]!;
    const isAtomic = kind === 'fetchAdd' || kind === 'compareSwap';
    const length = isAtomic ? 8 : kind === 'send' ? random.below(RECEIVE + 1) : lengthOf(random);
    // Atomics keep to the first words, where most WRITEs go too.
    const near = random.below(3) > 0 ? Math.min(8 * WORDS, AREA - length + 1) : AREA - length + 1;
    return {
      kind,
      at: isAtomic ? 8 * random.below(WORDS) : random.below(near),
      length,
      fence: random.below(6) === 0,
      bytes: Uint8Array.from({ length }, () => random.below(256)),
      operand: BigInt(random.below(2 ** 31)) << BigInt(random.below(33)),
      // Small, so that a swap finds it now and then.
      compare: BigInt(random.below(2)),
    };
  });
}

function lengthOf(random: RandomStream): number {
  const choice = random.below(10);
  if (choice < 6) return 1 + random.below(24);
  return choice < 9 ? 1 + random.below(300) : 1 + random.below(AREA);
}

/** What the two sides of a run saw. */
export interface Observations {
  /** By operation: what a READ or an atomic brought, nothing for the others. */
  readonly answers: readonly (readonly number[])[];
  /** Of the operations that take a receive, in order: what it held, and the area when it completed. */
  readonly receives: readonly {
    readonly held: readonly number[];
    readonly area: readonly number[];
  }[];
  readonly final: readonly number[];
}

/** What is not as the model has it; empty if all is. */
export function checkOrder(
  operations: readonly Operation[],
  { answers, receives, final }: Observations,
): string[] {
  const problems: string[] = [];
  const states = statesOf(operations);
  const before = (index: number): Uint8Array => states[index]!;
  const after = (index: number): Uint8Array => states[index + 1]!;
  let receive = 0;
  for (const [index, { kind, at, length, bytes }] of operations.entries()) {
    const name = `operation ${index} (${kind} ${at}+${length})`;
    if (kind === 'fetchAdd' || kind === 'compareSwap') {
      const expected = [...before(index).subarray(at, at + 8)];
      if (answers[index]!.join() !== expected.join()) {
        problems.push(`${name} found ${answers[index]!.join()}, the model ${expected.join()}`);
      }
    } else if (kind === 'read') {
      const last = lastThatMayPass(operations, index);
      const wrong = firstImpossible(answers[index]!, states, index + 1, last + 1, at);
      if (wrong >= 0)
        problems.push(`${name}: byte ${at + wrong} was never ${answers[index]![wrong]}`);
    }
    if (kind !== 'send' && kind !== 'writeImm') continue;
    const seen = receives[receive++];
    if (seen === undefined) {
      problems.push(`${name} completed no receive`);
      continue;
    }
    if (kind === 'send' && seen.held.join() !== bytes.join()) {
      problems.push(`${name} brought other bytes`);
    }
    const wrong = firstImpossible(seen.area, states, index + 1, operations.length, 0);
    if (wrong >= 0) {
      problems.push(
        `${name}: at its completion byte ${wrong} is ${seen.area[wrong]}; then and later it is ` +
          `${after(index)[wrong]} and what follows`,
      );
    }
  }
  if (final.join() !== states.at(-1)!.join()) problems.push('memory at the end is not the model’s');
  return problems;
}

/** Memory before the first operation and after each. */
function statesOf(operations: readonly Operation[]): Uint8Array[] {
  const states = [new Uint8Array(AREA)];
  for (const { kind, at, bytes, operand, compare } of operations) {
    const next = states.at(-1)!.slice();
    const view = new DataView(next.buffer);
    if (kind === 'write' || kind === 'writeImm') next.set(bytes, at);
    else if (kind === 'fetchAdd') {
      view.setBigUint64(at, BigInt.asUintN(64, view.getBigUint64(at, true) + operand), true);
    } else if (kind === 'compareSwap' && view.getBigUint64(at, true) === compare) {
      view.setBigUint64(at, operand, true);
    }
    states.push(next);
  }
  return states;
}

/** A READ may return bytes of operations behind it, but for those from the next fenced one on. */
function lastThatMayPass(operations: readonly Operation[], read: number): number {
  const fenced = operations.findIndex(({ fence }, index) => index > read && fence);
  return fenced < 0 ? operations.length - 1 : fenced - 1;
}

/** The first of `bytes`, from `at` on, that has its value in none of these states; -1 if there is none. */
function firstImpossible(
  bytes: readonly number[],
  states: readonly Uint8Array[],
  from: number,
  to: number,
  at: number,
): number {
  const candidates = states.slice(from, to + 1);
  return bytes.findIndex((byte, i) => !candidates.some((state) => state[at + i] === byte));
}
