/** `--set key=value`: a workload's parameters, read by their kinds. */
import { parseRate } from '../../units/rate.js';
import { parseSize } from '../../units/size.js';
import { parseDuration } from '../../units/time.js';
import type {
  Parameters,
  ParameterSpec,
  ParameterValue,
  Workload,
} from '../../workloads/authoring/workload.js';
import type { ParameterKinds } from '../report/results.js';
import { suggestion } from '../options/option-values.js';
import { UsageError } from '../errors/usage-error.js';

export type Setting = readonly [name: string, value: string];

/** Splits the texts of `--set` at their first equals sign. */
export function parseSettings(texts: readonly string[]): Setting[] {
  const settings = texts.map((text): Setting => {
    const equals = text.indexOf('=');
    if (equals < 1) throw new UsageError(`--set ${text}: expected key=value, such as size=64KiB`);
    return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  });
  const names = new Set<string>();
  for (const [name] of settings) {
    if (names.has(name)) throw new UsageError(`--set ${name}: is given twice`);
    names.add(name);
  }
  return settings;
}

/** Refuses a setting that none of the workloads has; each takes those that it has. */
export function checkSettings(
  settings: readonly Setting[],
  workloads: readonly { readonly name: string; readonly workload: Workload }[],
): void {
  for (const [name] of settings) {
    if (workloads.some(({ workload }) => Object.hasOwn(workload.parameters, name))) continue;
    const who = workloads.length === 1 ? workloads[0]!.name : 'none of the workloads';
    const known = [...new Set(workloads.flatMap((each) => Object.keys(each.workload.parameters)))];
    throw new UsageError(
      `--set ${name}: ${who} has no such parameter${suggestion(name, known)} ` +
        (known.length === 0 ? '(there are none)' : `(known: ${known.join(', ')})`),
    );
  }
}

/** Every parameter of the workload: as set, else its default; in the workload's order. */
export function readParameters(workload: Workload, settings: readonly Setting[]): Parameters {
  const set = new Map(settings);
  return Object.fromEntries(
    Object.entries(workload.parameters).map(([name, spec]) => {
      const text = set.get(name);
      return [name, text === undefined ? defaultOf(name, spec) : readValue(name, text, spec)];
    }),
  );
}

/** What the numbers among the parameters are: of those that have a unit. */
export const kindsOf = ({ parameters }: Workload): ParameterKinds =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { type, of }]) => [
      name,
      of ?? (type === 'size' || type === 'duration' || type === 'rate' ? type : undefined),
    ]),
  );

/** A default may be written as a person would write it (`64KiB`). */
const defaultOf = (name: string, spec: ParameterSpec): ParameterValue =>
  typeof spec.default === 'string' ? readValue(name, spec.default, spec) : spec.default;

function readValue(name: string, text: string, spec: ParameterSpec): ParameterValue {
  switch (spec.type) {
    case 'integer':
      return inRange(name, text, spec, wholeNumber(text), 'a whole number');
    case 'number':
      return inRange(name, text, spec, decimal(text), 'a number');
    case 'size':
      return inRange(name, text, spec, parseSize(text), 'a size such as 64KiB');
    case 'duration':
      return inRange(name, text, spec, parseDuration(text), 'a time such as 1.5us');
    case 'rate':
      return inRange(name, text, spec, parseRate(text), 'a rate such as 25Gbps');
    case 'choice': {
      const choices = spec.choices ?? [];
      if (choices.includes(text)) return text;
      throw new UsageError(
        `--set ${name}=${text}: expected one of ${choices.join(', ')}${suggestion(text, choices)}`,
      );
    }
    case 'boolean':
      if (['true', 'on', 'yes', '1'].includes(text)) return true;
      if (['false', 'off', 'no', '0'].includes(text)) return false;
      throw new UsageError(`--set ${name}=${text}: expected on or off`);
    case 'file':
    case 'text':
      return text;
  }
}

const wholeNumber = (text: string): number | undefined => {
  const value = /^-?\d+(?:e\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
};

const decimal = (text: string): number | undefined =>
  /^-?[0-9]*\.?[0-9]+(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
    ? Number(text)
    : undefined;

function inRange(
  name: string,
  text: string,
  { min = -Infinity, max = Infinity }: ParameterSpec,
  value: number | undefined,
  expected: string,
): number {
  if (value === undefined) throw new UsageError(`--set ${name}=${text}: expected ${expected}`);
  if (value < min) throw new UsageError(`--set ${name}=${text}: must be at least ${min}`);
  if (value > max) throw new UsageError(`--set ${name}=${text}: must be at most ${max}`);
  return value;
}
