/** The options of the commands as `--help` shows them, in groups. Values stay texts: their readers name the option. */
import type { Options } from 'yargs';
import { DEFAULTS } from '../plan/cluster-config.js';

const text = (describe: string): Options => ({ describe, string: true, requiresArg: true });
const texts = (describe: string): Options => ({ ...text(describe), array: true });

export const CLUSTER_OPTIONS = {
  hosts: text('emulated hosts, host0, host1, ... [default: what the workload needs; up, suite: 4]'),
  cores: text(`cores per host [default: ${DEFAULTS.cores}]`),
  memory: text(`memory per host [default: ${DEFAULTS.memory}]`),
  profile: text(
    `hardware profile: a name of \`profiles\` or a file [default: ${DEFAULTS.profile}]`,
  ),
  override: texts('one number of the profile, as nic.dma_read=600ns (repeatable)'),
  topology: text(`switch, or direct: two hosts back to back [default: ${DEFAULTS.topology}]`),
  mtu: text('RDMA path MTU: 256, 512, 1024, 2048, 4096 [default: the profile’s]'),
} as const satisfies Record<string, Options>;

export const RUN_OPTIONS = {
  seed: text(`everything random is drawn from it [default: ${DEFAULTS.seed}]`),
  noise: text(`on or off: whether costs vary as on real hardware [default: ${DEFAULTS.noise}]`),
  clock: text(
    `virtual: figures of the modelled hardware; real: of this machine [default: ${DEFAULTS.clock}]`,
  ),
  'segment-limit': text(
    'how long a program may compute without an await, as 2m of wall time; 0: for ever [default: 30s]',
  ),
  fault: texts('loss=1e-3,duplicate=1e-3,corrupt=1e-6,delayed=1e-3,delay=10us, per frame'),
} as const satisfies Record<string, Options>;

export const PLACEMENT_OPTIONS = {
  placement: text(
    `process: hosts are processes; embedded: all in one; joined (of \`up\`): they come by \`join\` [default: ${DEFAULTS.placement}]`,
  ),
  processes: text('pack the hosts into N processes [default: one each]'),
  'core-runtime': text(
    'worker: cores are threads; inline: one thread per process [default: worker, embedded inline]',
  ),
} as const satisfies Record<string, Options>;

export const PROGRAM_OPTIONS = {
  programs: texts(
    'a directory whose .js and .ts modules runs may name, beside the catalogue (repeatable)',
  ),
} as const satisfies Record<string, Options>;

export const WORKLOAD_OPTIONS = {
  set: texts('a workload’s parameter, as size=64KiB (repeatable; `list` shows them)'),
} as const satisfies Record<string, Options>;

export const OUTPUT_OPTIONS = {
  format: text('table, or perftest: the columns of ib_*_lat and ib_*_bw [default: table]'),
  json: text('also write the results to this file'),
  out: text('where results.json and report.html go [default: results/latest]'),
  capture: text(
    'write DIR/host0.pcapng, ... (several workloads: DIR/<workload, / as ->/; several runs of one: 1/, 2/, ... below)',
  ),
  trace: text(`headers or full: what trace_hash covers [default: ${DEFAULTS.trace}]`),
  quiet: { describe: 'no tables and no progress', boolean: true },
} as const satisfies Record<string, Options>;

/** Of a coordinator that stays up. */
export const LISTEN_OPTIONS = {
  listen: text(
    '[ADDRESS:]PORT for clients and joining hosts [default: 127.0.0.1:7600, any free port if it is taken]',
  ),
} as const satisfies Record<string, Options>;

export const CREDENTIAL_OPTIONS = {
  'token-file': text(
    'the file that holds the cluster’s token (or PINWIRE_TOKEN_FILE, PINWIRE_TOKEN)',
  ),
  'tls-cert': text('this end’s certificate (PEM): who listens with one speaks wss://'),
  'tls-key': text('its private key (PEM)'),
  'tls-ca': text(
    'the authority to trust (PEM); who listens asks every caller for a certificate of it',
  ),
} as const satisfies Record<string, Options>;

/** Of commands that stay up. */
export const LOG_OPTIONS = {
  log: text('text or json: how events are told on standard error [default: text]'),
  'log-level': text('trace, debug, info, warn, error or silent [default: info]'),
} as const satisfies Record<string, Options>;

/** Of a coordinator, which has a door, and of a machine that joins, which has none. */
export const METRICS_OPTIONS = {
  metrics: text('on, off, or [ADDRESS:]PORT for /metrics, /healthz, /readyz apart [default: on]'),
} as const satisfies Record<string, Options>;

export const AGENT_METRICS_OPTIONS = {
  metrics: text('[ADDRESS:]PORT for /metrics and /healthz, or off [default: off]'),
} as const satisfies Record<string, Options>;

export const JOIN_OPTIONS = {
  hosts: text('emulated hosts that this machine contributes [default: 1]'),
  processes: text('pack them into N processes [default: one each]'),
  name: text('what the cluster calls this machine [default: its host name]'),
  listen: text(
    '[ADDRESS:]PORT for its links; more processes take the ports behind it [default: the address that reaches the coordinator, any free port]',
  ),
  advertise: text('HOST[:PORT] that other hosts dial, behind NAT [default: where it listens]'),
  wait: text('how long to try to reach the coordinator: 30s, 5m, forever [default: forever]'),
} as const satisfies Record<string, Options>;

/** Of a command that can run on a cluster that is up. */
export const ATTACH_OPTIONS = {
  attach: text(
    'run on the cluster that is up at this URL: ws://HOST:PORT (hosts, cores, profile are its)',
  ),
  wait: text('how long to try to reach it: 30s, 5m, forever [default: 10s]'),
} as const satisfies Record<string, Options>;

export const STATUS_OPTIONS = {
  wait: text('how long to try to reach the coordinator: 30s, 5m, forever [default: one attempt]'),
  json: text('write it to this file as JSON instead; - for standard output'),
} as const satisfies Record<string, Options>;

export const GROUPS = {
  'Cluster:': CLUSTER_OPTIONS,
  'This machine:': JOIN_OPTIONS,
  'Attach:': ATTACH_OPTIONS,
  'Network:': { ...LISTEN_OPTIONS, ...CREDENTIAL_OPTIONS },
  'Run:': RUN_OPTIONS,
  'Where the work is done:': PLACEMENT_OPTIONS,
  'Programs:': PROGRAM_OPTIONS,
  'Workload:': WORKLOAD_OPTIONS,
  'Output:': OUTPUT_OPTIONS,
  'Operation:': { ...LOG_OPTIONS, ...METRICS_OPTIONS },
} as const;
