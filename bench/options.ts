/** The options of `npm run bench`. */
import { parseArgs } from 'node:util';
import { readWhole, suggestion } from '../coordinator/options/option-values.js';
import { UsageError } from '../coordinator/errors/usage-error.js';
import { WORKS, type Work } from './peers/work.js';

const OPTIONS = {
  peers: { type: 'boolean' },
  json: { type: 'string' },
  rounds: { type: 'string' },
  only: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

const DEFAULT_ROUNDS = 5;
const MOST_ROUNDS = 1000;

export const HELP = `npm run bench                    how fast the emulator is on this machine
npm run bench -- --peers         CPU time against ns-3 and SimGrid on the same work: docs/speed.md

  --json FILE    writes the ratios to FILE
  --rounds N     measures every pair N times [default: ${DEFAULT_ROUNDS}]
  --only WORK    only this work, or all works of this peer (repeatable):
                 ${choices().join(', ')}
`;

export interface PeerOptions {
  readonly kind: 'peers';
  readonly json: string | undefined;
  readonly rounds: number;
  readonly works: readonly Work[];
}

export type BenchOptions = { readonly kind: 'help' } | { readonly kind: 'rates' } | PeerOptions;

/** Throws a UsageError for what is not an option, or does not fit. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const values = parse(argv);
  if (values.help === true) return { kind: 'help' };
  const { json, rounds, only } = values;
  if (values.peers !== true) {
    const stray = Object.entries({ json, rounds, only }).find(([, value]) => value !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray[0]} applies only to --peers`);
    return { kind: 'rates' };
  }
  return {
    kind: 'peers',
    json,
    rounds: rounds === undefined ? DEFAULT_ROUNDS : readWhole('--rounds', rounds, 1, MOST_ROUNDS),
    works: only === undefined ? WORKS : [...new Set(only.flatMap(worksOf))],
  };
}

function parse(argv: readonly string[]): ReturnType<typeof strictly> {
  try {
    return strictly(argv);
  } catch (error) {
    // The first sentence says it; what follows explains positional arguments, which there are none of.
    const [sentence] = (error as Error).message.split('. ');
    const option = /--[\w-]+/.exec(sentence!)?.[0] ?? '';
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    const hint = known.includes(option) ? '' : suggestion(option, known);
    throw new UsageError(`${sentence!.charAt(0).toLowerCase()}${sentence!.slice(1)}${hint}`);
  }
}

const strictly = (argv: readonly string[]) =>
  parseArgs({ args: [...argv], options: OPTIONS }).values;

function worksOf(word: string): readonly Work[] {
  const found = WORKS.filter(({ name, program }) => name === word || program.peer.name === word);
  if (found.length > 0) return found;
  throw new UsageError(
    `--only: expected ${choices().join(' or ')}, not "${word}"${suggestion(word, choices())}`,
  );
}

function choices(): string[] {
  const works = WORKS.map(({ name }) => name);
  const peers = WORKS.map(({ program }) => program.peer.name);
  return [...new Set([...works, ...peers])];
}
