/**
 * Hardware profiles: found by name or path, laid over the profile that they extend, overridden from the
 * command line, checked to be complete, and made into the constants that the model uses.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cost, Profile } from '../../node/spec/profile.js';
import { perByte } from '../../units/rate.js';
import { picoseconds } from '../../units/time.js';
import { closest } from '../options/closest.js';
import type { Field } from './profile-fields.js';
import { FIELD_BY_KEY, fieldsOf, GROUPS } from './profile-fields.js';
import type { Entry } from './profile-file.js';
import { parseProfileFile } from './profile-file.js';
import { parseQuantity } from '../options/quantity.js';
import { UsageError } from '../errors/usage-error.js';

/** A profile before it is made into constants: every key, with what it says and where that comes from. */
export interface ProfileData {
  readonly name: string;
  readonly title: string;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** At the package's root, which is higher up from the build in `dist/` than from the sources. */
const DIRECTORY = fileURLToPath(
  ['../../profiles/', '../../../profiles/']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url)) ?? new URL('../../profiles/', import.meta.url),
);

/** The names of the profiles that come with the package. */
export const listProfiles = (): string[] =>
  readdirSync(DIRECTORY)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

/** A profile by name, or by the path of the user's own file, with `group.key=value` overrides applied in order. */
export function loadProfile(name: string, overrides: readonly string[]): Profile {
  const data = loadProfileData(name);
  const entries = new Map(data.entries);
  for (const text of overrides) override(entries, text);
  return build({ ...data, entries });
}

/** Those that come with the package, as far as they have been read: reading one takes longer than a small run. */
const installed = new Map<string, ProfileData>();

/** What a profile says, complete and checked, before any override. */
export function loadProfileData(name: string): ProfileData {
  const known = installed.get(name);
  if (known !== undefined) return known;
  const data = readProfileData(name);
  if (!isPath(name)) installed.set(name, data);
  return data;
}

function readProfileData(name: string): ProfileData {
  const file = locate(name, process.cwd());
  const { title, entries } = readLayers(file, name, []);
  const ordered = new Map<string, Entry>();
  for (const key of FIELD_BY_KEY.keys()) {
    const entry = entries.get(key);
    if (entry === undefined) {
      throw new UsageError(`${shown(file)}: ${key} is missing; state it or extend a profile`);
    }
    ordered.set(key, entry);
  }
  const short = basename(file).replace(/\.ya?ml$/, '');
  return { name: short, title: title ?? short, entries: ordered };
}

const isPath = (name: string): boolean => /[\\/]|\.ya?ml$/.test(name);

/** The file of a name or path; a path is relative to `from`. */
function locate(name: string, from: string): string {
  if (isPath(name)) return isAbsolute(name) ? name : resolve(from, name);
  const known = listProfiles();
  if (known.includes(name)) return join(DIRECTORY, `${name}.yaml`);
  const near = closest(name, known);
  throw new UsageError(
    `unknown profile "${name}"${near === undefined ? '' : `; did you mean ${near}?`} ` +
      `(known: ${known.join(', ')}; or a file's path, such as ./my.yaml)`,
  );
}

interface Layers {
  readonly title: string | null;
  readonly entries: Map<string, Entry>;
}

/** A file over the one that it extends. An entry replaces the whole entry below it, jitter included. */
function readLayers(file: string, asked: string, above: readonly string[]): Layers {
  if (above.includes(file)) throw new UsageError(`profile ${asked}: extends itself`);
  const { title, base, entries } = parseProfileFile(readText(file, asked), shown(file));
  if (base === null) return { title, entries: new Map(entries) };
  const below = readLayers(locate(base, dirname(file)), base, [...above, file]);
  return { title: title ?? below.title, entries: new Map([...below.entries, ...entries]) };
}

function readText(file: string, asked: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`profile ${asked}: cannot read ${file} (${code ?? String(error)})`);
  }
}

/** A file as messages name it: relative to where the user is, if it is below. */
function shown(file: string): string {
  const here = process.cwd() + sep;
  return file.startsWith(here) ? file.slice(here.length) : file;
}

function override(entries: Map<string, Entry>, text: string): void {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new UsageError(
      `--override ${text}: expected group.key=value, such as nic.dma_read=600ns`,
    );
  }
  const name = text.slice(0, equals).trim();
  const value = text.slice(equals + 1).trim();
  const key = name.replace(/\.jitter$/, '');
  const entry = entries.get(key);
  if (entry === undefined) {
    const near = closest(key, entries.keys());
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new UsageError(`--override ${text}: no such key ${key}${hint}`);
  }
  if (key !== name) {
    if (value !== 'off') throw new UsageError(`--override ${text}: jitter can only be set to off`);
    if (entry.field.kind !== 'cost') {
      throw new UsageError(`--override ${text}: ${key} takes no jitter`);
    }
    entries.set(key, { ...entry, jitter: null });
    return;
  }
  const quantity = parseQuantity(value, entry.field);
  if (typeof quantity === 'object') throw new UsageError(`--override ${text}: ${quantity.wrong}`);
  entries.set(key, { ...entry, value: quantity, written: value });
}

/** The model's constants. Its shape is that of FIELDS, which the compiler holds to Profile's. */
function build({ name, title, entries }: ProfileData): Profile {
  const groups = GROUPS.map((group) => {
    const values = fieldsOf(group).map(([field, { key }]) => [field, constant(entries.get(key)!)]);
    return [group, Object.fromEntries(values)] as const;
  });
  return { name, title, ...Object.fromEntries(groups) } as unknown as Profile;
}

function constant({ field, value, jitter }: Entry): Cost | number | string {
  if (typeof value === 'string') return value;
  switch (field.kind) {
    case 'cost':
      return { ps: picoseconds(value), jitter: jitter?.noise ?? null };
    case 'rate':
      return perByte(value);
    case 'flops':
      return 1_000 / value;
    case 'time':
    case 'size':
    case 'buffer':
    case 'count':
    case 'choice':
      return value;
  }
}

/** The profile for `--noise off`: no jitter, and a polling loop that looks the moment something is there. */
export function noiseFree(profile: Profile): Profile {
  const quiet = mapFields(profile, (field, value) =>
    field.kind === 'cost' ? { ps: (value as Cost).ps, jitter: null } : value,
  );
  return { ...quiet, cpu: { ...quiet.cpu, pollPeriod: picoseconds(0) } };
}

/** The profile for `--clock real`: nothing costs modelled time, and every limit of the device stays. */
export const realClock = (profile: Profile): Profile =>
  mapFields(profile, (field, value) => {
    switch (field.kind) {
      case 'cost':
        return { ps: picoseconds(0), jitter: null };
      case 'time':
      case 'rate':
      case 'flops':
        return 0;
      case 'size':
      case 'buffer':
      case 'count':
      case 'choice':
        return value;
    }
  });

/** A copy of the profile with each value replaced by what `map` makes of it: one of the field's own kind. */
function mapFields(profile: Profile, map: (field: Field, value: unknown) => unknown): Profile {
  const groups = GROUPS.map((group) => {
    const values: Readonly<Record<string, unknown>> = { ...profile[group] };
    const mapped = fieldsOf(group).map(([name, field]) => [name, map(field, values[name])]);
    return [group, Object.fromEntries(mapped)] as const;
  });
  return { ...profile, ...Object.fromEntries(groups) };
}
