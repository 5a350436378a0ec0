/**
 * `--fault loss=1e-3,duplicate=0.1%,corrupt=1e-6,icrc=1e-6,delayed=1e-3,delay=10us`: what goes wrong on the links, each
 * a probability per frame, drawn from the run's seed. `delay` is how long a delayed frame takes longer.
 */
import type { FaultSpec } from '../../node/spec/run-spec.js';
import { parseDuration, PS_PER_S, PS_PER_US } from '../../units/time.js';
import { suggestion } from './option-values.js';
import { UsageError } from '../errors/usage-error.js';

const PROBABILITIES = ['loss', 'duplicate', 'corrupt', 'icrc', 'delayed'] as const;
const NAMES = [...PROBABILITIES, 'delay'];
const DEFAULT_DELAY = 10 * PS_PER_US;
const NUMBER = /^([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)(%?)$/i;

/** The faults of all `--fault` options together; null if there are none. */
export function parseFaults(specs: readonly string[]): FaultSpec | null {
  const faults = { loss: 0, duplicate: 0, corrupt: 0, icrc: 0, delayed: 0, delay: 0 };
  const given = new Set<string>();
  for (const part of specs.flatMap((spec) => spec.split(','))) {
    const [name, value] = splitPart(part);
    if (given.has(name)) throw new UsageError(`--fault: ${name} is given twice`);
    given.add(name);
    faults[name] = name === 'delay' ? delay(value) : probability(name, value);
  }
  if (given.size === 0) return null;
  if (given.has('delay') && !given.has('delayed')) {
    throw new UsageError('--fault: delay needs delayed=PROBABILITY, the share of frames to delay');
  }
  if (given.has('delayed') && !given.has('delay')) faults.delay = DEFAULT_DELAY;
  return faults;
}

function splitPart(part: string): [keyof FaultSpec, string] {
  const equals = part.indexOf('=');
  const name = part.slice(0, Math.max(equals, 0)).trim();
  if (equals < 1) {
    throw new UsageError(`--fault ${part}: expected name=value, such as loss=1e-3`);
  }
  if (!NAMES.includes(name)) {
    throw new UsageError(
      `--fault: unknown fault "${name}"${suggestion(name, NAMES)} (known: ${NAMES.join(', ')})`,
    );
  }
  return [name as keyof FaultSpec, part.slice(equals + 1).trim()];
}

function probability(name: string, text: string): number {
  const match = NUMBER.exec(text);
  const value = match === null ? NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(value >= 0 && value <= 1)) {
    throw new UsageError(`--fault ${name}=${text}: expected a probability such as 1e-3 or 0.1%`);
  }
  return value;
}

function delay(text: string): number {
  const value = parseDuration(text);
  if (value === undefined) {
    throw new UsageError(`--fault delay=${text}: expected a time such as 10us`);
  }
  if (value > PS_PER_S) throw new UsageError(`--fault delay=${text}: at most 1s`);
  return value;
}
