/** What a host process gets at its start: by environment, because every user can read argv. */
import { MAX_PROCESSES } from '../../units/elements.js';
import {
  dictionary,
  flag,
  list,
  mapped,
  optional,
  reader,
  record,
  saying,
  text,
  whole,
  type Infer,
} from '../../wire/control/shape.js';
import type { TlsMaterial } from '../door/credentials.js';

export const ENVIRONMENT_VARIABLE = 'PINWIRE_HOST_PROCESS';

const port = whole(0, 65_535);

/** Where a process listens for its peers, and what they dial. */
const FABRIC_ADDRESS = record('fabric', {
  host: text(256),
  /** 0: any free one. */
  port,
  /** Host and, if it differs from the one listened on, port that others dial; an empty host: the one listened on. */
  advertisedHost: text(256),
  advertisedPort: port,
});
export type FabricAddress = Infer<typeof FABRIC_ADDRESS>;

/** Which programs a process loads besides its own catalogue. */
const PROGRAM_POLICY = record('programs', {
  /** Directories that the machine's operator allowed. */
  directories: list(256, saying('not a path', text(Infinity))),
  /** Any file, and captures are written where the coordinator says: the cluster is its user's own. */
  files: flag,
});
export type ProgramPolicy = Infer<typeof PROGRAM_POLICY>;

const isText = (value: unknown): value is string => typeof value === 'string';

const ENVIRONMENT = record(ENVIRONMENT_VARIABLE, {
  processes: whole(1, MAX_PROCESSES),
  /** ws:// or wss:// address of the coordinator. */
  control: text(1024),
  credentials: record('credentials', {
    token: text(1024),
    tls: optional(mapped(dictionary(isText), (texts): TlsMaterial => texts)),
  }),
  /** Names the cluster to its own processes. */
  cluster: text(64),
  process: whole(0, ({ processes }) => processes - 1),
  /** Proves to the coordinator that this is the process it expects. */
  ticket: text(64),
  fabric: FABRIC_ADDRESS,
  programs: PROGRAM_POLICY,
  /** Whether standard input is held open by the parent, and its end is the parent's. */
  lifeline: flag,
});
export type ProcessEnvironment = Infer<typeof ENVIRONMENT>;

export const LOOPBACK_FABRIC: FabricAddress = {
  host: '127.0.0.1',
  port: 0,
  advertisedHost: '',
  advertisedPort: 0,
};

export const printEnvironment = (environment: ProcessEnvironment): string =>
  JSON.stringify(environment);

const readEnvironment = reader(ENVIRONMENT);

/** The environment in `given`, or what is wrong with it. */
export function parseEnvironment(given: string | undefined): ProcessEnvironment | string {
  let value: unknown;
  try {
    value = JSON.parse(given ?? '');
  } catch {
    return `${ENVIRONMENT_VARIABLE} does not say where the coordinator is`;
  }
  return readEnvironment(value);
}
