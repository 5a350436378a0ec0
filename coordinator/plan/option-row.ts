/**
 * An option of a run as one row of a table. The command line's definitions and help, the configuration, the check that
 * a run fits the cluster it attaches to, the run's header, and what of a run its client decides, all follow from the
 * rows.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RUN_SETTINGS } from '../../node/spec/run-spec.js';
import { UsageError } from '../errors/usage-error.js';
import type { CLUSTER_FIELDS, ClusterConfig } from './cluster-shape.js';

/** Option values as the command line has them. */
type GivenOptions = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a row may look at: all options, and the fields that rows above it have set. */
export interface Context {
  readonly options: GivenOptions;
  readonly config: Partial<ClusterConfig>;
}

interface CommonRow<F extends string, V> {
  /** The field of the configuration that it sets. Two rows may set one together. */
  readonly field: F;
  /** Where `--help` shows it, and how. */
  readonly group: 'Cluster:' | 'Run:' | 'Where the work is done:' | 'Output:';
  readonly help: string;
  /**
   * Whose option it is on a cluster that is up: the cluster's, which an attached run may only repeat; or the run's
   * own.
   */
  readonly owner: 'cluster' | 'run';
  /** For an option of the run: an attached run that does not set it takes it from the cluster. */
  readonly inherited?: true;
  /** The value in words, where a run contradicts its cluster. */
  show(value: V): string;
  /** What it contributes to a clause of the run's header. */
  readonly header?: {
    readonly clause: Clause;
    /** `elsewhere` says where the cluster is if it is not to be launched. */
    text(config: ClusterConfig, elsewhere: string | undefined): string;
  };
}

interface TextRow<F extends string, V> extends CommonRow<F, V> {
  readonly repeatable?: never;
  /** What is read when it is not given. */
  readonly usual?: string | ((context: Context) => string);
  /** The default as `--help` tells it, where it is not a constant. */
  readonly usualHelp?: string;
  /** Throws a UsageError that begins with `option`. */
  read(option: string, text: string, context: Context): V;
}

interface ListRow<F extends string, V> extends CommonRow<F, V> {
  readonly repeatable: true;
  read(option: string, texts: readonly string[], context: Context): V;
}

/** In the order in which they are read. */
export type OptionRow<F extends string = string, V = unknown> = TextRow<F, V> | ListRow<F, V>;
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** The rows and what they set: fields of a cluster's configuration, and those that a run's specification has too. */
export interface OptionSet {
  readonly rows: OptionTable;
  readonly cluster: typeof CLUSTER_FIELDS;
  readonly settings: typeof RUN_SETTINGS;
}

const CLAUSES = ['size', 'hardware', 'time'] as const;
type Clause = (typeof CLAUSES)[number];

/** The help of a row, its default included. */
export function helpOf(row: OptionRow): string {
  if (row.repeatable) return row.help;
  const usual = row.usualHelp ?? (typeof row.usual === 'string' ? row.usual : undefined);
  return usual === undefined ? row.help : `${row.help} [default: ${usual}]`;
}

/** The fields that these options ask for. Throws a UsageError. */
export function readOptions(rows: OptionTable, options: GivenOptions): ClusterConfig {
  const config: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(rows)) {
    config[row.field] = readRow(name, row, { options, config });
  }
  return config as unknown as ClusterConfig;
}

/** The value of one row. Throws a UsageError. */
export function readRow<V>(name: string, row: OptionRow<string, V>, context: Context): V {
  const given = context.options[name];
  if (row.repeatable) return row.read(`--${name}`, [given ?? []].flat(), context);
  const usual = typeof row.usual === 'function' ? row.usual(context) : row.usual;
  const text = [given ?? usual ?? []].flat()[0];
  if (text === undefined) throw new UsageError(`--${name}: a value is missing`);
  return row.read(`--${name}`, text, context);
}

/** Throws a UsageError for an option by which a run asks for another cluster than `cluster`, which `where` names. */
export function refuseConflicts(
  rows: OptionTable,
  options: GivenOptions,
  {
    asked,
    cluster,
    where,
  }: Readonly<Record<'asked' | 'cluster', ClusterConfig>> & {
    readonly where: string;
  },
): void {
  for (const [name, row] of Object.entries(rows)) {
    const given = options[name];
    if (row.owner === 'run' || given === undefined) continue;
    const here = valueOf(cluster, row.field);
    if (isDeepStrictEqual(valueOf(asked, row.field), here)) continue;
    throw new UsageError(
      `--${name} ${[given].flat().join(' ')}: conflicts with the cluster at ` +
        `${where} (${row.show(here)})`,
    );
  }
}

/** What a run that attaches decides itself, of what it asked for. */
export function ownFields(
  rows: OptionTable,
  options: GivenOptions,
  asked: ClusterConfig,
): Partial<ClusterConfig> {
  const own = Object.entries(rows).filter(
    ([name, row]) => row.owner === 'run' && !(row.inherited && options[name] === undefined),
  );
  return Object.fromEntries(own.map(([, { field }]) => [field, valueOf(asked, field)]));
}

/** The fields of a configuration that are the cluster's, or a run's own. */
export const fieldsOwnedBy = (rows: OptionTable, owner: OptionRow['owner']): string[] =>
  Object.values(rows)
    .filter((row) => row.owner === owner)
    .map(({ field }) => field);

/** Those fields of a configuration that `fields` names. */
export const pick = (config: ClusterConfig, fields: readonly string[]): object =>
  Object.fromEntries(fields.map((field) => [field, valueOf(config, field)]));

/** A configuration in one line. */
export const headerOf = (
  rows: OptionTable,
  config: ClusterConfig,
  elsewhere: string | undefined,
): string =>
  CLAUSES.map((clause) =>
    Object.values(rows)
      .flatMap(({ header }) => (header?.clause === clause ? [header.text(config, elsewhere)] : []))
      .join(', '),
  ).join('; ');

const valueOf = (config: ClusterConfig, field: string): unknown =>
  (config as unknown as Readonly<Record<string, unknown>>)[field];
