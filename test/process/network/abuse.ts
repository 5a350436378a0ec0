/**
 * What is done to a cluster by those who mean no good: strangers without the token (`scripts/hostile.js`) and insiders
 * with it (`scripts/insider.js`), each a process of its own that ends by itself. Only ever at loopback or
 * at a namespace of the test's own.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPTS = join(import.meta.dirname, 'scripts');

export type StrangerMode = 'silence' | 'garbage' | 'drip';
export type InsiderMode =
  'declared' | 'fragments' | 'bombs' | 'unread' | 'curious' | 'mute' | 'outdated';

/** What became of a stranger's connections. */
export interface StrangersEnd {
  readonly opened: number;
  /** Not even connected. */
  readonly failed: number;
  /** By the other end. */
  readonly closed: number;
  readonly mostOpen: number;
  readonly left: number;
  readonly seconds: number;
}

/** What became of an insider. */
export interface InsiderEnd {
  readonly sent: number;
  readonly closed: boolean;
  /** Of the WebSocket. */
  readonly code: number;
  readonly seconds: number;
  /** The last thing that it was told, as text. */
  readonly heard: string;
}

/** Starts node with a script somewhere: here, or in a namespace. */
export type StartNode = (
  script: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly stdio: ['ignore', 'pipe', 'inherit'] },
) => ChildProcess;

export const startHere: StartNode = (script, options) => spawn(process.execPath, script, options);

let addresses = 0;

/**
 * `count` connections of a stranger to the door at `address`. On loopback each mode calls from an address of its own.
 */
export async function strangers(
  start: StartNode,
  mode: StrangerMode,
  address: string,
  port: number,
  count: number,
): Promise<StrangersEnd> {
  const from = address === '127.0.0.1' ? `127.0.0.${100 + (addresses++ % 100)}` : '';
  const args = [join(SCRIPTS, 'hostile.js'), mode, address, String(port), String(count), from];
  return JSON.parse(await output(start, args, {})) as StrangersEnd;
}

export async function insider(
  start: StartNode,
  mode: InsiderMode,
  url: string,
  token: string,
): Promise<InsiderEnd> {
  const args = [join(SCRIPTS, 'insider.js'), mode, url];
  return JSON.parse(await output(start, args, { PINWIRE_TOKEN: token })) as InsiderEnd;
}

/** The most memory that a process has had, in MiB. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

function output(
  start: StartNode,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = start(args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout!.on('data', (data: Buffer) => (said += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${args.join(' ')}: exit ${String(code)}`));
    });
  });
}
