/** The options of the commands as `--help` shows them, in groups. Values stay texts: their readers name the option. */
import type { Options } from 'yargs';
import { helpOf, type OptionRow, type OptionTable } from '../plan/option-row.js';
import { RUN_OPTIONS } from '../plan/run-options.js';

const text = (describe: string): Options => ({ describe, string: true, requiresArg: true });
const texts = (describe: string): Options => ({ ...text(describe), array: true });

/** Those of a table that `--help` shows in this group. */
export const definitionsOf = (
  group: OptionRow['group'],
  rows: OptionTable = RUN_OPTIONS,
): Readonly<Record<string, Options>> =>
  Object.fromEntries(
    Object.entries(rows)
      .filter(([, row]) => row.group === group)
      .map(([name, row]) => [name, (row.repeatable ? texts : text)(helpOf(row))]),
  );

const CLUSTER_OPTIONS = definitionsOf('Cluster:');
const DRAW_OPTIONS = definitionsOf('Run:');
const PLACEMENT_OPTIONS = definitionsOf('Where the work is done:');

const PROGRAM_OPTIONS = {
  programs: texts(
    'let runs load .js and .ts modules from this directory, in addition to the catalogue (repeatable)',
  ),
} as const satisfies Record<string, Options>;

const WORKLOAD_OPTIONS = {
  set: texts('set a workload parameter, such as size=64KiB (repeatable; `list` shows them)'),
} as const satisfies Record<string, Options>;

/** Of `run` alone. */
const SEEDS_OPTIONS = {
  watch: {
    describe: 'your own module (./my.ts): run it again whenever one of its files changes',
    boolean: true,
  },
  seeds: text(
    'run once for each seed in a range, such as 1..100: one line per seed, the worst in full',
  ),
} as const satisfies Record<string, Options>;

const OUTPUT_OPTIONS = {
  format: text('table, or perftest: the columns of ib_*_lat and ib_*_bw [default: table]'),
  json: text(
    'also write the results to this file as JSON; - writes to standard output instead of tables',
  ),
  hgrm: text(
    'also write latencies as HdrHistogram percentile distributions (.hgrm) to this directory',
  ),
  out: text('directory for results.json and report.html [default: results/latest]'),
  capture: text(
    'write DIR/host0.pcapng, ... (several workloads: DIR/<workload, / as ->/; several runs of one: 1/, 2/, ... below)',
  ),
  ...definitionsOf('Output:'),
  quiet: { describe: 'no tables and no progress', boolean: true },
} as const satisfies Record<string, Options>;

/** Options of a coordinator that stays up. */
const LISTEN_OPTIONS = {
  listen: text(
    '[ADDRESS:]PORT for clients and joining hosts [default: 127.0.0.1:7600, any free port if it is taken]',
  ),
} as const satisfies Record<string, Options>;

const CREDENTIAL_OPTIONS = {
  'token-file': text('file that holds the cluster’s token (or PINWIRE_TOKEN_FILE, PINWIRE_TOKEN)'),
  'tls-cert': text('certificate of this end (PEM); a listener that has one serves wss://'),
  'tls-key': text('private key of that certificate (PEM)'),
  'tls-ca': text(
    'certificate authority to trust (PEM); a listener then requires a client certificate signed by it',
  ),
} as const satisfies Record<string, Options>;

/** Of commands that stay up. */
const LOG_OPTIONS = {
  log: text('text or json: format of the events on standard error [default: text]'),
  'log-level': text('trace, debug, info, warn, error or silent [default: info]'),
} as const satisfies Record<string, Options>;

/** For a coordinator, which has a door; a machine that joins has none. */
const METRICS_OPTIONS = {
  metrics: text(
    'serve /metrics, /healthz and /readyz: on, off, or on a separate [ADDRESS:]PORT [default: on]',
  ),
} as const satisfies Record<string, Options>;

const AGENT_METRICS_OPTIONS = {
  metrics: text('serve /metrics and /healthz on this [ADDRESS:]PORT, or off [default: off]'),
} as const satisfies Record<string, Options>;

const JOIN_OPTIONS = {
  hosts: text('emulated hosts that this machine contributes [default: 1]'),
  processes: text('pack its hosts into N processes [default: one process per host]'),
  name: text('name of this machine in the cluster [default: its host name]'),
  listen: text(
    '[ADDRESS:]PORT for links between hosts; each further process takes the next port [default: the address that reaches the coordinator, any free port]',
  ),
  advertise: text(
    'HOST[:PORT] that other hosts dial, if behind NAT [default: the listening address]',
  ),
  wait: text('how long to try to reach the coordinator: 30s, 5m, forever [default: forever]'),
} as const satisfies Record<string, Options>;

/** Options of a command that can run on a cluster that is up. */
const ATTACH_OPTIONS = {
  attach: text('run on the cluster at this URL: ws://HOST:PORT (it sets hosts, cores and profile)'),
  wait: text('how long to try to reach it: 30s, 5m, forever [default: 10s]'),
} as const satisfies Record<string, Options>;

export const STATUS_OPTIONS = {
  ...CREDENTIAL_OPTIONS,
  wait: text('how long to try to reach the coordinator: 30s, 5m, forever [default: one attempt]'),
  json: text('write the status to this file as JSON instead; - for standard output'),
} as const satisfies Record<string, Options>;

export const COMPARE_OPTIONS = {
  tolerance: text(
    'treat figures that differ by less than this as equal, and skip hashes, stages and counters: 2% or 0.02 [default: exact]',
  ),
} as const satisfies Record<string, Options>;

export const DECODE_OPTIONS = {
  qp: texts('only packets to this queue pair: 17 or 0x000011 (repeatable: any of them)'),
  host: texts('only packets from or to this host: host1, or an IP or MAC address (repeatable)'),
  opcode: texts('only packets of this opcode: ACK, "RC SEND_ONLY", 0x11 (repeatable)'),
  json: text('write the summary to this file; - writes to standard output instead of the packets'),
} as const satisfies Record<string, Options>;

/** Of `up`. */
export const UP_OPTIONS = {
  ...CLUSTER_OPTIONS,
  ...DRAW_OPTIONS,
  ...PLACEMENT_OPTIONS,
  ...PROGRAM_OPTIONS,
  ...LISTEN_OPTIONS,
  ...CREDENTIAL_OPTIONS,
  ...LOG_OPTIONS,
  ...METRICS_OPTIONS,
};

/** Of `join`. */
export const JOINING_OPTIONS = {
  ...JOIN_OPTIONS,
  ...PROGRAM_OPTIONS,
  ...CREDENTIAL_OPTIONS,
  ...LOG_OPTIONS,
  ...AGENT_METRICS_OPTIONS,
};

/** Of `suite` and `explain`. */
export const WORK_OPTIONS = {
  ...CLUSTER_OPTIONS,
  ...DRAW_OPTIONS,
  ...PLACEMENT_OPTIONS,
  ...WORKLOAD_OPTIONS,
  ...OUTPUT_OPTIONS,
  ...ATTACH_OPTIONS,
  ...CREDENTIAL_OPTIONS,
};

/** Of `run`. */
export const RUN_COMMAND_OPTIONS = { ...WORK_OPTIONS, ...SEEDS_OPTIONS };

export const GROUPS = {
  'Cluster:': CLUSTER_OPTIONS,
  'This machine:': JOIN_OPTIONS,
  'Attach:': ATTACH_OPTIONS,
  'Network:': { ...LISTEN_OPTIONS, ...CREDENTIAL_OPTIONS },
  'Run:': { ...DRAW_OPTIONS, ...SEEDS_OPTIONS },
  'Where the work is done:': PLACEMENT_OPTIONS,
  'Programs:': PROGRAM_OPTIONS,
  'Workload:': WORKLOAD_OPTIONS,
  'Output:': OUTPUT_OPTIONS,
  'Operation:': { ...LOG_OPTIONS, ...METRICS_OPTIONS },
} as const;
