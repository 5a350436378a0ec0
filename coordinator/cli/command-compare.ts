/** `pinwire compare A.json B.json`: whether two results files say the same, and what differs. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../errors/usage-error.js';
import { compareResults } from '../report/comparison.js';
import type { Results } from '../report/results.js';
import { parseResults } from '../report/results-file.js';
import type { Terminal } from '../terminal/terminal.js';

const EQUAL = 0;
const DIFFERENT = 1;
const PER_CENT = /^(\d+(?:\.\d+)?)\s*%$/;
const SHARE = /^0(?:\.\d+)?$/;

/** The exit status: 0 for equal, 1 for different. Throws a UsageError for a file that cannot be read. */
export function compareCommand(
  files: readonly string[],
  tolerance: string | undefined,
  terminal: Terminal,
): number {
  if (files.length !== 2) throw new UsageError('compare: expected two results files');
  const [a, b] = files.map(readResults) as [Results, Results];
  const options = { tolerance: tolerance === undefined ? 0 : readTolerance(tolerance) };
  const { differences, compared } = compareResults(a, b, options);
  for (const difference of differences) terminal.write(`${difference}\n`);
  const results = `${compared} ${compared === 1 ? 'result' : 'results'} compared`;
  terminal.write(
    differences.length === 0
      ? `equal: ${results}\n`
      : `${differences.length} differences: ${results}\n`,
  );
  return differences.length === 0 ? EQUAL : DIFFERENT;
}

function readResults(file: string): Results {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`);
  }
  const parsed = parseResults(text);
  if ('problem' in parsed) throw new UsageError(`${file}: not a results file: ${parsed.problem}`);
  return parsed.results;
}

function readTolerance(text: string): number {
  const percent = PER_CENT.exec(text.trim());
  if (percent !== null) return Number(percent[1]) / 100;
  if (SHARE.test(text.trim())) return Number(text);
  throw new UsageError(`--tolerance: expected a share such as 2% or 0.02, not "${text}"`);
}
