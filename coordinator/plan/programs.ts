/** What `run` and `explain` name: a workload of the catalogue, or the path of a user's own module. */
import { mkdirSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isModulePath, type ModuleReference } from '../../node/spec/module-reference.js';
import {
  BundleError,
  bundleProgram,
  type ProgramBundle,
} from '../../node/process/program-bundle.js';
import { toldError } from '../../node/cores/told-error.js';
import { CATALOGUE, SUITES, type SuiteMember } from '../../workloads/catalogue.js';
import type { Workload } from '../../workloads/authoring/workload.js';
import { suggestion } from '../options/option-values.js';
import { UsageError } from '../errors/usage-error.js';

export { isModulePath } from '../../node/spec/module-reference.js';
export { sourcesOf } from '../../node/process/program-bundle.js';

export interface ResolvedWorkload {
  readonly name: string;
  readonly workload: Workload;
  /** How the processes find its module. */
  readonly module: ModuleReference;
}

/** Where a workload is to run: on processes that this command starts for itself, or on a cluster that is up. */
export type Destination = 'private' | 'attached';

/**
 * Finds and loads the workload. A user's module is bundled into `directory`, a directory of its own each: our own
 * processes run that bundle, the hosts of other clusters what they have under the same file name.
 */
export async function resolveWorkload(
  name: string,
  directory: string,
  destination: Destination,
): Promise<ResolvedWorkload> {
  if (isModulePath(name)) return loadModule(name, directory, destination);
  const entry = CATALOGUE.find((each) => each.name === name);
  if (entry === undefined) {
    const known = CATALOGUE.map((each) => each.name);
    throw new UsageError(
      `unknown workload "${name}"${suggestion(name, known)} ` +
        '(`pinwire list` shows them all; a path to a .js or .ts module runs your own)',
    );
  }
  const { default: workload } = await entry.load();
  return { name, workload, module: { kind: 'catalogue', name } };
}

async function loadModule(
  path: string,
  directory: string,
  destination: Destination,
): Promise<ResolvedWorkload> {
  mkdirSync(directory, { recursive: true });
  const bundle = await bundled(path, directory);
  const url = pathToFileURL(bundle.path).href;
  let exported: unknown;
  // Its functions run here too: a message about an error there names the line of the user's source.
  process.setSourceMapsEnabled(true);
  try {
    exported = ((await import(url)) as { default?: unknown }).default;
  } catch (error) {
    throw new UsageError(`${path}: cannot be loaded: ${toldError(error).message}`);
  }
  const missing = missingOf(exported);
  if (missing !== undefined) {
    throw new UsageError(
      `${path}: ${missing}; expected a default export made by defineWorkload({ name, summary, parameters, ` +
        'place, program, summarise }) of pinwire/workload',
    );
  }
  const workload = exported as Workload;
  const name = workload.name === '' ? undefined : (workload.name as string | undefined);
  const module: ModuleReference =
    destination === 'private'
      ? { kind: 'file', url }
      : { kind: 'program', file: basename(path), fingerprint: bundle.fingerprint };
  return { name: name ?? shown(path), workload, module };
}

async function bundled(path: string, directory: string): Promise<ProgramBundle> {
  try {
    return await bundleProgram(path, directory);
  } catch (error) {
    throw error instanceof BundleError ? new UsageError(`${path}: ${error.message}`) : error;
  }
}

/** What an export lacks to be a workload; undefined if it is one. */
function missingOf(exported: unknown): string | undefined {
  if (exported === undefined) return 'has no default export';
  if (typeof exported !== 'object' || exported === null) {
    return `its default export is a ${typeof exported}`;
  }
  const missing = missingPart(exported);
  return missing === undefined ? undefined : `its default export has no ${missing}`;
}

/** What an object lacks to be a workload; undefined if it is one. */
export function missingPart(workload: object): string | undefined {
  const fields = workload as Readonly<Record<string, unknown>>;
  for (const name of ['place', 'program', 'summarise']) {
    if (typeof fields[name] !== 'function') return `function ${name}`;
  }
  const { parameters } = fields;
  return typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)
    ? 'parameters ({} for none)'
    : undefined;
}

/** The path as a name: relative to where the user is, with /, the same on every machine. */
const shown = (path: string): string =>
  relative(process.cwd(), resolve(path)).split(sep).join('/') || path;

/** The members of a suite. */
export function resolveSuite(name: string): readonly SuiteMember[] {
  const members = Object.hasOwn(SUITES, name) ? SUITES[name]! : undefined;
  if (members === undefined) {
    const known = Object.keys(SUITES);
    throw new UsageError(
      `unknown suite "${name}"${suggestion(name, known)} (known: ${known.join(', ')})`,
    );
  }
  if (members.length === 0) throw new UsageError(`suite ${name} is empty in this version`);
  return members;
}

/** Where several modules are bundled side by side. */
export const moduleDirectory = (directory: string, index: number): string =>
  join(directory, `module${index}`);
