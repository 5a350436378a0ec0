/**
 * What runs over several processes cost in wall time and in messages: put together from what each process tells, summed
 * over the runs of a command, and told to people.
 */
import { MAX_PROCESSES } from '../../units/elements.js';
import {
  list,
  number,
  printableText,
  record,
  saying,
  whole,
  type Infer,
} from '../../wire/control/shape.js';
import { FOR_COORDINATOR, FOR_THE_END, type ProcessCost } from '../../node/process/process-cost.js';
import { hostLabel } from './host-label.js';

/** The name of a process or of what is waited for besides. */
const name = printableText(64);

const WAITS_FOR = record('waits', {
  whom: name,
  ms: number(),
  /** How many waits of which length; see `node/links/window-cost.ts`. */
  buckets: list(256, saying('not a count', whole())),
});

const SENT_TO_PROCESS = record('sent', {
  to: name,
  messages: whole(),
  bytes: whole(),
  frames: whole(),
});

/** One process's part. Times in ms of wall clock. */
const PROCESS_SHARE = record('process', {
  /** `host0`, `host0 to host3`. */
  process: name,
  busy: number(),
  waiting: number(),
  windows: whole(),
  /** By whom: another process, {@link COORDINATOR}, {@link THE_END}; empty where nobody needs leave. */
  waits: list(2 * MAX_PROCESSES, WAITS_FOR),
  sent: list(MAX_PROCESSES, SENT_TO_PROCESS),
});

export const RUN_COST = record('cost', {
  rounds: whole(),
  /** Between coordinator and processes, both ways. */
  controlBytes: whole(),
  /** Between processes. */
  fabricBytes: whole(),
  fabricMessages: whole(),
  processes: list(MAX_PROCESSES, PROCESS_SHARE),
});
export type RunCost = Infer<typeof RUN_COST>;

/** The way to the coordinator and back. */
const COORDINATOR = 'coordinator';
/** Nothing more came until the run was over. */
const THE_END = 'end';

/** `run.cost` of the results. */
export interface CostInfo {
  readonly rounds: number;
  readonly control_bytes: number;
  readonly fabric_bytes: number;
  readonly fabric_messages: number;
  readonly processes: readonly {
    readonly process: string;
    readonly busy_s: number;
    readonly waiting_s: number;
    readonly for: Readonly<Record<string, number>>;
  }[];
}

/** `partition` has the hosts of each process. */
export function runCost(
  rounds: number,
  parts: readonly ProcessCost[],
  partition: readonly (readonly number[])[],
): RunCost {
  const labels = partition.map(hostLabel);
  const nameOf = (whom: number): string =>
    whom === FOR_COORDINATOR ? COORDINATOR : whom === FOR_THE_END ? THE_END : labels[whom]!;
  const sent = parts.flatMap((part) => part.sent);
  return {
    rounds,
    controlBytes: parts.reduce((sum, { controlBytes }) => sum + controlBytes, 0),
    fabricBytes: sent.reduce((sum, { bytes }) => sum + bytes, 0),
    fabricMessages: sent.reduce((sum, { messages }) => sum + messages, 0),
    processes: parts.map((part, index) => ({
      process: labels[index]!,
      busy: part.busy,
      waiting: part.waiting,
      windows: part.windows,
      waits: part.waits.map(({ whom, ms, buckets }) => ({ whom: nameOf(whom), ms, buckets })),
      sent: part.sent.map(({ process, ...counts }) => ({ to: labels[process]!, ...counts })),
    })),
  };
}

/** Costs of several runs over the same processes as one, for the results; undefined if there are none. */
export function costInfo(costs: readonly RunCost[]): CostInfo | undefined {
  if (costs.length === 0) return undefined;
  const sum = (of: (cost: RunCost) => number): number =>
    costs.reduce((total, cost) => total + of(cost), 0);
  const shares = costs.flatMap(({ processes }) => processes);
  return {
    rounds: sum(({ rounds }) => rounds),
    control_bytes: sum(({ controlBytes }) => controlBytes),
    fabric_bytes: sum(({ fabricBytes }) => fabricBytes),
    fabric_messages: sum(({ fabricMessages }) => fabricMessages),
    processes: [...new Set(shares.map(({ process }) => process))].map((process) => {
      const own = shares.filter((share) => share.process === process);
      const waits = own.flatMap((share) => share.waits);
      const whom = [...new Set(waits.map((each) => each.whom))].sort(inOrder);
      const total = (values: readonly number[]): number =>
        seconds(values.reduce((a, b) => a + b, 0));
      return {
        process,
        busy_s: total(own.map(({ busy }) => busy)),
        waiting_s: total(own.map(({ waiting }) => waiting)),
        for: Object.fromEntries(
          whom.map((name) => [
            name,
            total(waits.filter((each) => each.whom === name).map(({ ms }) => ms)),
          ]),
        ),
      };
    }),
  };
}

/** `cost: 2,140 rounds, 1.3 MB between processes; waited most: host0 for host1 0.41 s` */
export function describeCost(cost: CostInfo): string {
  const bytes = cost.control_bytes + cost.fabric_bytes;
  const rounds = `${cost.rounds.toLocaleString('en')} round${cost.rounds === 1 ? '' : 's'}`;
  const most = longestWait(cost);
  const waited =
    most === undefined
      ? ''
      : `; waited most: ${most.process} for ${most.whom} ${formatSeconds(most.seconds)}`;
  return `cost: ${rounds}, ${formatBytes(bytes)} between processes${waited}`;
}

/** Which process waited longest for which, except for the end of the run: an idle process is not held up. */
function longestWait({
  processes,
}: CostInfo): { process: string; whom: string; seconds: number } | undefined {
  return processes
    .flatMap((each) =>
      Object.entries(each.for)
        .filter(([whom, value]) => whom !== THE_END && value > 0)
        .map(([whom, value]) => ({ process: each.process, whom, seconds: value })),
    )
    .reduce<{ process: string; whom: string; seconds: number } | undefined>(
      (most, each) => (most === undefined || each.seconds > most.seconds ? each : most),
      undefined,
    );
}

/** What the log tells of a run that was done. */
export function costFields(run: {
  readonly began: number;
  readonly ended: number;
  readonly rounds: number;
  readonly cost: RunCost | undefined;
}): object {
  const seconds = Math.round(run.ended - run.began) / 1000;
  const cost = costInfo(run.cost === undefined ? [] : [run.cost]);
  if (cost === undefined) return { seconds };
  const most = longestWait(cost);
  return {
    seconds,
    rounds: run.rounds,
    bytes: cost.control_bytes + cost.fabric_bytes,
    ...(most && { waited: most.process, for: most.whom, waited_seconds: most.seconds }),
  };
}

export const formatSeconds = (value: number): string =>
  value >= 0.01 || value === 0 ? `${value.toFixed(2)} s` : `${(value * 1000).toPrecision(2)} ms`;

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [scale, unit] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${(bytes / scale).toPrecision(bytes / scale >= 100 ? 3 : 2)} ${unit}`;
}

const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6;

/** host2 before host10, and hosts before the others. */
function inOrder(a: string, b: string): number {
  const isHost = (name: string): number => (name.startsWith('host') ? 0 : 1);
  return isHost(a) - isHost(b) || a.localeCompare(b, 'en', { numeric: true });
}
