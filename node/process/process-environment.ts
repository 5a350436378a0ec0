/** What a host process is told at its start: by environment, because argv is there for every user to read. */
import { MAX_PROCESSES } from '../../units/elements.js';
import { FieldReader } from '../../wire/control/field-reader.js';
import type { Credentials } from '../door/credentials.js';

export const ENVIRONMENT_VARIABLE = 'PINWIRE_HOST_PROCESS';

/** Where a process listens for its peers, and what they dial. */
export interface FabricAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Host and, if it differs from the one listened on, port that others dial; an empty host: the one listened on. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

/** Which programs a process loads besides its own catalogue. */
export interface ProgramPolicy {
  /** Any file, and captures are written where the coordinator says: the cluster is its user's own. */
  readonly files: boolean;
  /** Directories that the machine's operator allowed. */
  readonly directories: readonly string[];
}

export interface ProcessEnvironment {
  /** ws:// or wss:// address of the coordinator. */
  readonly control: string;
  readonly credentials: Credentials;
  /** Names the cluster to its own processes. */
  readonly cluster: string;
  readonly process: number;
  readonly processes: number;
  /** Proves to the coordinator that this is the process it expects. */
  readonly ticket: string;
  readonly fabric: FabricAddress;
  readonly programs: ProgramPolicy;
  /** Whether standard input is held open by the parent, and its end is the parent's. */
  readonly lifeline: boolean;
}

export const LOOPBACK_FABRIC: FabricAddress = {
  host: '127.0.0.1',
  port: 0,
  advertisedHost: '',
  advertisedPort: 0,
};

export const printEnvironment = (environment: ProcessEnvironment): string =>
  JSON.stringify(environment);

/** The environment in `text`, or what is wrong with it. */
export function parseEnvironment(text: string | undefined): ProcessEnvironment | string {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return `${ENVIRONMENT_VARIABLE} does not say where the coordinator is`;
  }
  const fields = new FieldReader(ENVIRONMENT_VARIABLE, value);
  const processes = fields.whole('processes', 1, MAX_PROCESSES);
  const environment = {
    control: fields.text('control', 1024),
    credentials: fields.parsed('credentials', parseCredentials),
    cluster: fields.text('cluster', 64),
    process: fields.whole('process', 0, processes - 1),
    processes,
    ticket: fields.text('ticket', 64),
    fabric: fields.parsed('fabric', parseFabric),
    programs: fields.parsed('programs', parsePolicy),
    lifeline: fields.flag('lifeline'),
  };
  return fields.problem ?? environment;
}

function parseCredentials(value: unknown): Credentials | string {
  const fields = new FieldReader('credentials', value);
  const token = fields.text('token', 1024);
  if (fields.any('tls') === undefined) return fields.problem ?? { token };
  const tls = fields.record('tls', (each): each is string => typeof each === 'string');
  return fields.problem ?? { token, tls };
}

function parseFabric(value: unknown): FabricAddress | string {
  const fields = new FieldReader('fabric', value);
  const fabric = {
    host: fields.text('host', 256),
    port: fields.whole('port', 0, 65_535),
    advertisedHost: fields.text('advertisedHost', 256),
    advertisedPort: fields.whole('advertisedPort', 0, 65_535),
  };
  return fields.problem ?? fabric;
}

function parsePolicy(value: unknown): ProgramPolicy | string {
  const fields = new FieldReader('programs', value);
  const directories = fields.list('directories', 256, (path) =>
    typeof path === 'string' ? { path } : 'not a path',
  );
  const policy = { files: fields.flag('files'), directories: directories.map(({ path }) => path) };
  return fields.problem ?? policy;
}
