/**
 * `console` as programs have it: each line names the core that wrote it and the core's time. The methods of this
 * realm's console are replaced while a run is under way, and not for each segment; outside segments they do what they
 * always did, so the caller of an embedded run keeps its own.
 */
import { format } from 'node:util';

/** A core whose segment runs. */
export interface Speaker {
  readonly host: number;
  readonly index: number;
  /** In ps. */
  readonly now: number;
}

type Write = (...args: unknown[]) => void;
type Methods = Record<(typeof METHODS)[number], Write>;

/** The others write through these. */
const METHODS = ['log', 'info', 'debug', 'warn', 'error'] as const;

/** For each run that is under way: which of its cores runs now. */
const runs = new Set<() => Speaker | undefined>();

interface Replaced {
  readonly target: Methods;
  readonly method: (typeof METHODS)[number];
  readonly original: Write;
  readonly named: Write;
}

/** What stands in for the console's methods, in the order in which it was put there. */
const replaced: Replaced[] = [];
/** A line is being written with its name: what it goes through on its way must not name it again. */
let isNamed = false;

/** From now on `speaker` is asked whose a line is, until the function that is returned is called. */
export function nameLines(speaker: () => Speaker | undefined): () => void {
  // Of its own, so that two runs never share an entry.
  const run = (): Speaker | undefined => speaker();
  runs.add(run);
  replaceMethods();
  return () => {
    runs.delete(run);
    if (runs.size === 0) putBack();
  };
}

/** Those too that somebody has put in place since another run began. */
function replaceMethods(): void {
  const target = globalThis.console as unknown as Methods;
  for (const method of METHODS) {
    const original = target[method];
    if (replaced.some(({ named }) => named === original)) continue;
    const named: Write = (...args) => {
      const who = isNamed ? undefined : onlySpeaker();
      if (who === undefined) {
        Reflect.apply(original, target, args);
        return;
      }
      isNamed = true;
      try {
        Reflect.apply(original, target, [namedLines(who, format(...args))]);
      } finally {
        isNamed = false;
      }
    };
    target[method] = named;
    replaced.push({ target, method, original, named });
  }
}

/** The last first. A spy that was put in place during the run stays. */
function putBack(): void {
  for (const { target, method, original, named } of replaced.splice(0).reverse()) {
    if (target[method] === named) target[method] = original;
  }
}

/** Undefined too where the segments of several embedded runs are open at once: the line may be of any of them. */
function onlySpeaker(): Speaker | undefined {
  let only: Speaker | undefined;
  for (const run of runs) {
    const speaker = run();
    if (speaker === undefined) continue;
    if (only !== undefined) return undefined;
    only = speaker;
  }
  return only;
}

function namedLines({ host, index, now }: Speaker, text: string): string {
  const name = `[host${host} core ${index} +${(now / 1e6).toFixed(3)} us]`;
  return text
    .split('\n')
    .map((line) => (line === '' ? name : `${name} ${line}`))
    .join('\n');
}
