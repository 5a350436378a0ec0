/**
 * The programs that a host process loads: the installed catalogue's, and those in directories that the machine's
 * operator allowed. A coordinator only names them, so it cannot make a host run code that the host was not given.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProgramPolicy } from './process-environment.js';
import { ProgramFailure } from '../spec/process-machine.js';
import type { RunSpec } from '../spec/run-spec.js';
import { isProgramFile, type ModuleReference } from '../spec/module-reference.js';
import { BundleError, bundleProgram } from './program-bundle.js';

type ProgramReference = Extract<ModuleReference, { readonly kind: 'program' }>;

/** A program that this host does not load, and why. */
class ProgramRefusal extends Error {
  override readonly name = 'ProgramRefusal';
}

/** Digits of a fingerprint that tell two programs apart for a reader. */
const SHOWN = 12;

export class HostPrograms {
  private readonly policy: ProgramPolicy;
  private readonly catalogue: ReadonlyMap<string, string>;
  /** Where bundles are written: there only while one is loaded, and nobody else may read it. */
  private scratch: string | undefined;
  private isScratchThere = false;

  /** `catalogue`: the installed modules' URLs by their workloads' names. */
  constructor(policy: ProgramPolicy, catalogue: ReadonlyMap<string, string>) {
    this.policy = policy;
    this.catalogue = catalogue;
  }

  /**
   * Has `load` load the module of a run, whose URL holds until it is done; undefined where the run has no program here.
   * Rejects with a ProgramFailure in the name of the first host of this process when the module is refused.
   */
  async load<T>(spec: RunSpec, load: (module: string | undefined) => Promise<T>): Promise<T> {
    if (!spec.programs.some(({ host }) => spec.local.includes(host))) return load(undefined);
    try {
      return await load(await this.find(spec.module));
    } catch (error) {
      if (!(error instanceof ProgramRefusal)) throw error;
      const { message } = error;
      throw new ProgramFailure({ host: spec.local[0]!, core: -1, message, stack: '' });
    } finally {
      this.sweep();
    }
  }

  /** The URL of the module that a reference names here. Rejects with a ProgramRefusal. */
  async find(reference: ModuleReference): Promise<string> {
    switch (reference.kind) {
      case 'catalogue': {
        const url = this.catalogue.get(reference.name);
        if (url !== undefined) return url;
        throw new ProgramRefusal(`the catalogue installed here has no ${reference.name}`);
      }
      case 'program':
        return this.bundle(reference);
      case 'file':
        if (this.policy.files) return reference.url;
        throw new ProgramRefusal(
          `${reference.url} is not loaded: this host runs only its own catalogue and what its operator allows with --programs DIR`,
        );
    }
  }

  /** Removes the bundles: a module that is loaded needs its file no more. */
  sweep(): void {
    if (this.isScratchThere) rmSync(this.scratch!, { recursive: true, force: true });
    this.isScratchThere = false;
  }

  private async bundle({ file, fingerprint }: ProgramReference): Promise<string> {
    const { directory, path } = this.locate(file);
    // Named by what it must be: a program that was loaded before is not loaded a second time.
    const into = join(this.openScratch(), fingerprint);
    const bundle = await bundleProgram(path, into).catch((error: unknown) => {
      if (!(error instanceof BundleError)) throw error;
      throw new ProgramRefusal(`${file} in ${directory} cannot be bundled: ${error.message}`);
    });
    if (bundle.fingerprint === fingerprint) return pathToFileURL(bundle.path).href;
    const [theirs, here] = [fingerprint, bundle.fingerprint].map((each) => each.slice(0, SHOWN));
    throw new ProgramRefusal(
      `${file} in ${directory} differs from the client's (theirs ${theirs!}, here ${here!})`,
    );
  }

  /** The file's real path, and the first allowed directory that has it. */
  private locate(file: string): { readonly directory: string; readonly path: string } {
    for (const directory of isProgramFile(file) ? this.policy.directories : []) {
      const path = realPath(join(directory, file));
      if (path === undefined || !statSync(path).isFile()) continue;
      if (isWithin(directory, path)) return { directory, path };
      throw new ProgramRefusal(`${file} in ${directory} is a symbolic link to a place outside it`);
    }
    const name = isProgramFile(file) ? file : JSON.stringify(file.slice(0, 40));
    throw new ProgramRefusal(
      `this cluster's hosts have no program ${name} (their operators allow programs with --programs DIR)`,
    );
  }

  private openScratch(): string {
    if (!this.isScratchThere) this.scratch = reopened(this.scratch);
    this.isScratchThere = true;
    return this.scratch!;
  }
}

/** The same directory as before, or a new one if somebody took the name meanwhile. Throws a ProgramRefusal. */
function reopened(path: string | undefined): string {
  try {
    if (path !== undefined) {
      mkdirSync(path, { mode: 0o700 });
      return path;
    }
  } catch {
    // Its name is taken.
  }
  try {
    return mkdtempSync(join(tmpdir(), 'pinwire-host-'));
  } catch (error) {
    throw new ProgramRefusal(`nowhere to bundle a program: ${(error as Error).message}`);
  }
}

function isWithin(directory: string, path: string): boolean {
  const way = relative(realPath(directory) ?? directory, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Undefined if there is nothing. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
