/**
 * A run as a client asks for it: what is the run's own travels, what is the cluster's is put in by the coordinator,
 * whatever the client believed. What does not fit the cluster is refused before anything of it is queued.
 */
import { specMessage } from '../../node/process/run-messages.js';
import { runSpecShape, type RunSpec } from '../../node/spec/run-spec.js';
import { isRecord, reader } from '../../wire/control/shape.js';
import { profileOf, type ClusterConfig } from '../plan/cluster-config.js';
import { fieldsOwnedBy, pick, type OptionTable } from '../plan/option-row.js';
import { OPTIONS } from '../plan/run-options.js';
import { checkMachine, checkPlacement } from '../plan/machine-settings.js';
import { UsageError } from '../errors/usage-error.js';

type Spec = Omit<RunSpec, 'local'>;

/** What a command decides of its run beyond the options that a cluster knows. */
const OF_THE_COMMAND = [
  'capture',
  'module',
  'params',
  'programs',
  'machine',
  'inputs',
] as const satisfies readonly (keyof Spec)[];

/** The fields of a specification that are a run's own. */
const ownOf = (rows: OptionTable): readonly string[] => [
  ...fieldsOwnedBy(rows, 'run'),
  ...OF_THE_COMMAND,
];

/** What of `spec` goes to a coordinator. */
export function clientRun(spec: Spec, { rows } = OPTIONS): object {
  const message = specMessage({ ...spec, local: [] }) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(ownOf(rows).map((name) => [name, message[name]]));
}

/** The run that a client asks for on this cluster, or why it cannot be. */
export function parseClientRun(
  value: unknown,
  config: ClusterConfig,
  { rows, settings } = OPTIONS,
): Spec | string {
  if (!isRecord(value)) return 'run: expected an object';
  const own = Object.fromEntries(ownOf(rows).map((name) => [name, value[name]]));
  const profile = profileOf(
    config.loadedProfile,
    config.clock,
    own['noise'] === true ? 'on' : 'off',
  );
  const clusters = pick(config, fieldsOwnedBy(rows, 'cluster'));
  const read = reader(runSpecShape(settings));
  const spec = read({ ...clusters, ...own, profile, local: [] });
  return typeof spec === 'string' ? spec : (misfit(spec, config) ?? spec);
}

function misfit({ module, programs, machine }: RunSpec, config: ClusterConfig): string | undefined {
  if (module.kind === 'file') return 'a running cluster does not load file: modules';
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
