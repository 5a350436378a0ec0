/**
 * What a program must not use in virtual time, because two runs would differ: the wall clock, unseeded random numbers,
 * timers, the network outside. While a segment runs they throw and name what to use instead. So does what would end the
 * process, which is not the program's own.
 */
import { SegmentError } from '../program/segment-error.js';
import { SegmentWatchdog } from './segment-watchdog.js';

let banned = 0;
let installed = false;

export function banGlobals(): void {
  if (installed) banned++;
}

export function allowGlobals(): void {
  if (installed) banned--;
}

/**
 * Replaces the globals of this realm by ones that throw inside segments. Done once per thread, for the virtual clock;
 * a way out of the process that somebody has replaced since, as test runners do, is guarded again.
 */
export function installGuards(): void {
  guardWaysOut();
  if (installed) return;
  installed = true;
  const random = Math.random;
  Math.random = () => {
    refuse('Math.random', 'core.random()');
    return random();
  };
  const now = Date.now;
  Date.now = () => {
    refuse('Date.now', 'core.now');
    return now();
  };
  globalThis.Date = new Proxy(Date, {
    construct(target, args: unknown[], newTarget) {
      if (args.length === 0) refuse('new Date()', 'core.now');
      return Reflect.construct(target, args, newTarget) as Date;
    },
  });
  const { performance } = globalThis;
  const monotonic = performance.now.bind(performance);
  performance.now = () => {
    refuse('performance.now', 'core.now');
    return monotonic();
  };
  for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
    const original = globalThis[name] as (...args: unknown[]) => unknown;
    const guarded = (...args: unknown[]): unknown => {
      refuse(name, 'core.sleep');
      return original(...args);
    };
    // Node's own attributes of the timer functions (promisify.custom) stay.
    Object.assign(guarded, original);
    globalThis[name] = guarded as never;
  }
  const { fetch } = globalThis;
  globalThis.fetch = (...args) => {
    refuse('fetch', 'core.openNetwork, or an input file of the workload');
    return fetch(...args);
  };
}

type WayOut = (code?: number) => never;
const waysOut: Record<'exit' | 'abort', WayOut> = process;
const guardedWaysOut = new Set<WayOut>();

function guardWaysOut(): void {
  for (const name of ['exit', 'abort'] as const) {
    if (guardedWaysOut.has(waysOut[name])) continue;
    const end = waysOut[name].bind(process);
    const guarded: WayOut = (code) => {
      if (isInSegment()) {
        throw new SegmentError(
          `process.${name} would end the emulator, not just the program: return or throw instead`,
        );
      }
      return end(code);
    };
    waysOut[name] = guarded;
    guardedWaysOut.add(guarded);
  }
}

const isInSegment = (): boolean => banned > 0 && !SegmentWatchdog.get().hasEnded;

function refuse(what: string, instead: string): void {
  if (isInSegment()) {
    throw new SegmentError(`${what} is not available in virtual time: use ${instead}`);
  }
}
