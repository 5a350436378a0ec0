/**
 * A run as a client asks for it: what is the run's own travels, what is the cluster's is put in by the coordinator,
 * whatever the client believed. What does not fit the cluster is refused before anything of it is queued.
 */
import { parseRunSpec, specMessage } from '../../node/process/run-messages.js';
import type { RunSpec } from '../../node/spec/run-spec.js';
import { isRecord } from '../../wire/control/field-reader.js';
import { profileOf, type ClusterConfig } from '../plan/cluster-config.js';
import { checkMachine, checkPlacement } from '../plan/machine-settings.js';
import { UsageError } from '../errors/usage-error.js';

type Spec = Omit<RunSpec, 'local'>;

/** The fields of a specification that are a run's own. */
const OWN = [
  'noise',
  'seed',
  'faults',
  'capture',
  'trace',
  'segmentLimit',
  'module',
  'params',
  'programs',
  'machine',
  'inputs',
] as const satisfies readonly (keyof Spec)[];

/** What of `spec` goes to a coordinator. */
export function clientRun(spec: Spec): object {
  const message = specMessage({ ...spec, local: [] }) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(OWN.map((name) => [name, message[name]]));
}

/** The run that a client asks for on this cluster, or why it cannot be. */
export function parseClientRun(value: unknown, config: ClusterConfig): Spec | string {
  if (!isRecord(value)) return 'run: expected an object';
  const { hosts, cores, memory, mtu, topology, clock, coreRuntime } = config;
  const own = Object.fromEntries(OWN.map((name) => [name, value[name]]));
  const profile = profileOf(config.loadedProfile, clock, own['noise'] === true ? 'on' : 'off');
  const cluster = { hosts, cores, memory, mtu, topology, clock, coreRuntime, profile };
  const spec = parseRunSpec({ ...own, ...cluster, local: [] });
  return typeof spec === 'string' ? spec : (misfit(spec, config) ?? spec);
}

function misfit({ module, programs, machine }: RunSpec, config: ClusterConfig): string | undefined {
  if (module.kind === 'file') return 'a cluster that is up loads no file: module';
  if (programs.length === 0) return 'the run has no programs';
  const places = new Set(programs.map(({ host, core }) => `${host} ${core}`));
  if (places.size < programs.length) return 'two programs on one core';
  if (programs.some(({ rank }, index) => rank !== index)) return 'ranks out of order';
  try {
    checkMachine('the run', machine, config);
    checkPlacement('the run', programs, machine);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return undefined;
}
