/** A cluster of four hosts that is up for the length of a test file, and the commands that attach to it. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  PING_PONG,
  pinwire,
  Pinwire,
  readResults,
  reproducible,
  ROOT,
  scratch,
  type Ended,
} from './pinwire.js';

const MODULES = join(ROOT, 'test', 'process', 'modules');
/** Long enough never to end by itself. */
export const FOR_EVER = [PING_PONG, '--set', 'iterations=10000000'];

/** A cluster, once it is up, and its URL. */
export async function launch(...args: string[]): Promise<[Pinwire, string]> {
  const up = new Pinwire(['up', '--programs', MODULES, ...args]);
  await up.says('Ctrl-C stops it');
  return [up, /up at (ws:.*)/.exec(up.stdout)![1]!];
}

interface Outcome extends Ended {
  readonly results: string;
}

export async function run(...args: string[]): Promise<Outcome> {
  const json = join(scratch(), 'results.json');
  const ended = await pinwire(['run', ...args, '--quiet', '--out', scratch(), '--json', json]);
  return { ...ended, results: ended.code === 2 ? '' : reproducible(readResults(json)) };
}

/** The results of a run that went well and had nothing to say. */
export async function succeeded(outcome: Promise<Outcome>): Promise<string> {
  const { code, stderr, results } = await outcome;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return results;
}

export interface Status {
  readonly run: {
    readonly workload: string;
    readonly client: string;
    readonly packets: number;
  } | null;
  readonly queue: readonly { readonly workload: string; readonly client: string }[];
  readonly runs: { readonly done: number; readonly failed: number; readonly cancelled: number };
}

export async function statusAt(url: string): Promise<Status> {
  const { code, stdout, stderr } = await pinwire(['status', url, '--json', '-']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Status;
}

/** Waits until the status of the cluster at `url` is as `expected`. */
export async function becomes(
  url: string,
  expected: (status: Status) => boolean,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!expected(await statusAt(url))) {
    if (Date.now() > deadline) throw new Error(`waited 30 s for ${what}`);
  }
}

/** A cluster that this file's cases share. */
export class SharedCluster {
  url = '';

  constructor() {
    let cluster: Pinwire;
    beforeAll(async () => {
      [cluster, this.url] = await launch('--hosts', '4');
    });
    afterAll(() => {
      cluster.child.kill('SIGKILL');
    });
  }

  attached(...args: string[]): Promise<Outcome> {
    return run(...args, '--attach', this.url);
  }
}
