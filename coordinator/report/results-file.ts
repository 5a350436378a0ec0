/**
 * A results file, read back to compare with: checked whole before a figure of it is used.
 * Keys that this version does not know are let through, so that files of later ones can be read.
 */
import { RESULTS_SCHEMA, type Results } from './results.js';

export type ResultsFile = { readonly results: Results } | { readonly problem: string };

/** The results in `text`, or the first problem in one line with where it is: `results[3].metrics[0].p50`. */
export function parseResults(text: string): ResultsFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `not JSON: ${(error as SyntaxError).message}` };
  }
  const problem = resultsProblem(value);
  return problem === undefined ? { results: value as Results } : { problem };
}

/** What is wrong with one value, or undefined; `at` is where it stands. */
type Check = (value: unknown, at: string) => string | undefined;

function resultsProblem(value: unknown): string | undefined {
  const { schema } = Object(value) as { schema?: unknown };
  if (schema !== RESULTS_SCHEMA) {
    return `schema: is ${shown(schema)}, and this version reads "${RESULTS_SCHEMA}"`;
  }
  return results(value, '');
}

const kind =
  (name: string, holds: (value: unknown) => boolean): Check =>
  (value, at) =>
    holds(value) ? undefined : `${at}: is ${shown(value)}, not ${name}`;

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text = kind('a text', (value) => typeof value === 'string');
const number = kind('a number', (value) => Number.isFinite(value));
const whole = kind('a whole number', (value) => Number.isInteger(value));
const count = kind(
  'a whole number from 0',
  (value) => Number.isInteger(value) && Number(value) >= 0,
);
const positive = kind(
  'a whole number from 1',
  (value) => Number.isInteger(value) && Number(value) >= 1,
);
const object = kind('an object', isObject);
const verdict = kind(
  'true, false or null',
  (value) => value === null || typeof value === 'boolean',
);
const hash = kind('a hash', (value) => typeof value === 'string' && value.length >= 8);

const oneOf = (...choices: readonly string[]): Check =>
  kind(`one of ${choices.join(', ')}`, (value) => choices.includes(value as string));

const optional =
  (check: Check): Check =>
  (value, at) =>
    value === undefined ? undefined : check(value, at);

const listOf =
  (check: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at}: is ${shown(value)}, not a list`;
    for (const [index, item] of value.entries()) {
      const problem = check(item, `${at}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const record =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, at) => {
    const wrong = object(value, at === '' ? 'the file' : at);
    if (wrong !== undefined) return wrong;
    const values = value as Readonly<Record<string, unknown>>;
    for (const [field, check] of Object.entries(fields)) {
      const problem = check(values[field], at === '' ? field : `${at}.${field}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const seconds = kind(
  'an object of numbers',
  (value) => isObject(value) && Object.values(value as object).every(Number.isFinite),
);

const cost = record({
  rounds: count,
  control_bytes: count,
  fabric_bytes: count,
  fabric_messages: count,
  processes: listOf(record({ process: text, busy_s: number, waiting_s: number, for: seconds })),
});

const run = record({
  placement: oneOf('process', 'embedded', 'joined'),
  coreRuntime: oneOf('worker', 'inline'),
  pids: listOf(whole),
  start_s: number,
  wall_s: number,
  events: count,
  packets: count,
  rounds: count,
  node: text,
  argv: listOf(text),
  error: optional(text),
  notes: optional(listOf(text)),
  cost: optional(cost),
});

const cluster = record({
  hosts: positive,
  cores: positive,
  profile: text,
  clock: oneOf('virtual', 'real'),
  topology: text,
  mtu: positive,
  noise: oneOf('on', 'off'),
  seed: number,
});

const valueMetric = record({ name: text, unit: text, value: number });
const distributionMetric = record({
  name: text,
  unit: text,
  count,
  min: number,
  p50: number,
  p90: number,
  p99: number,
  'p99.9': number,
  max: number,
  mean: number,
  stddev: number,
});

const metric: Check = (value, at) =>
  isObject(value) && 'value' in (value as object)
    ? valueMetric(value, at)
    : distributionMetric(value, at);

const results = record({
  schema: text,
  run,
  cluster,
  results: listOf(
    record({
      workload: text,
      params: object,
      verified: verdict,
      note: optional(text),
      metrics: listOf(metric),
      stages: optional(listOf(record({ name: text, ps: count }))),
      counters: optional(object),
      virtual_ns: number,
      trace_hash: hash,
    }),
  ),
});

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const json = JSON.stringify(value);
  return json.length > 40 ? `${json.slice(0, 37)}...` : json;
}
