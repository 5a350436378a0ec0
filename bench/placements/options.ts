/** The options of `npm run placements`. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../coordinator/errors/usage-error.js';
import { readWhole } from '../../coordinator/options/option-values.js';

const OPTIONS = {
  draws: { type: 'string' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const USUAL_DRAWS = 30;
const MOST_DRAWS = 1_000_000;

export const HELP = `npm run placements -- [options]

Draws runs, does each in several placements (embedded, over processes, cores as threads or inline) while another
process keeps the machine busy, and compares the results byte for byte. Ends with \`N draws, D different\`; the exit
status is 1 if any are.

  --draws N    how many [default: ${USUAL_DRAWS}]
  --seed S     what they are drawn from [default: 1]
  --only K     no draw but the K-th of the seed
`;

export interface PlacementOptions {
  readonly seed: number;
  /** Indices of the draws, from 0 on. */
  readonly first: number;
  readonly count: number;
}

/** Undefined where help is asked for. Throws a UsageError for what is no option, or does not fit. */
export function readOptions(argv: readonly string[]): PlacementOptions | undefined {
  const { draws, seed, only, help } = parse(argv);
  if (help) return undefined;
  const count = readWhole('--draws', draws ?? String(USUAL_DRAWS), 1, MOST_DRAWS);
  const read = { seed: readWhole('--seed', seed, 0, Number.MAX_SAFE_INTEGER), first: 0, count };
  if (only === undefined) return read;
  if (draws !== undefined) throw new UsageError('--only: does not go with --draws');
  return { ...read, first: readWhole('--only', only, 1, MOST_DRAWS) - 1, count: 1 };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    // The first sentence says it; what follows explains positional arguments, which there are none of.
    const [sentence] = (error as Error).message.split('. ');
    throw new UsageError(`${sentence!.charAt(0).toLowerCase()}${sentence!.slice(1)}`);
  }
}
