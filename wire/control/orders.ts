/**
 * What the coordinator tells a host process, in the order of a process's life: peers (once), then per run
 * prepare, begin, grants or probes, and collect when it is over, or abandon; at last stop. Runs are numbered; an order of a run that is over is ignored.
 */
import { MAX_HOSTS, MAX_PROCESSES } from '../../units/elements.js';
import { FieldReader } from './field-reader.js';

/** The path of the coordinator's control socket. */
export const CONTROL_PATH = '/control';

/** One host process: the hosts it runs, and where its fabric socket listens. */
export interface PeerAddress {
  readonly hosts: readonly number[];
  readonly fabric: string;
}

export type Order =
  | { readonly type: 'peers'; readonly processes: readonly PeerAddress[] }
  | {
      readonly type: 'prepare';
      readonly run: number;
      /** Checked where it is used: the machine knows what it needs. */
      readonly spec: unknown;
      /** Where host0.pcapng and so on are written, if the spec asks for captures; empty to have them sent. */
      readonly captureDirectory: string;
    }
  | { readonly type: 'begin'; readonly run: number }
  | {
      readonly type: 'grant';
      readonly run: number;
      readonly grant: unknown;
      /** The process that the receiver's report has waited for at the coordinator, and for how many us. */
      readonly by: number;
      readonly held: number;
    }
  /** Real clock: say whether everything is quiet, under this number. */
  | { readonly type: 'probe'; readonly run: number; readonly probe: number }
  /** So many bytes more of what was captured are where they are kept: as many may follow. */
  | { readonly type: 'taken'; readonly run: number; readonly bytes: number }
  /** The run is over: answer with the outcome. */
  | { readonly type: 'collect'; readonly run: number }
  /** The run failed elsewhere or is not wanted any more: nothing is left of it. */
  | { readonly type: 'abandon'; readonly run: number }
  | { readonly type: 'stop' };

const TYPES = [
  'peers',
  'prepare',
  'begin',
  'grant',
  'probe',
  'taken',
  'collect',
  'abandon',
  'stop',
] as const satisfies readonly Order['type'][];

/** An order, or what is wrong with it. */
export function parseOrder(value: unknown): Order | string {
  const fields = new FieldReader('order', value);
  const type = fields.oneOf('type', TYPES);
  const order = read(type, fields);
  return fields.problem ?? order;
}

function read(type: Order['type'], fields: FieldReader): Order {
  switch (type) {
    case 'peers':
      return { type, processes: fields.list('processes', MAX_PROCESSES, parsePeer) };
    case 'prepare':
      return {
        type,
        run: fields.whole('run'),
        spec: fields.any('spec'),
        captureDirectory: fields.text('captureDirectory'),
      };
    case 'grant':
      return {
        type,
        run: fields.whole('run'),
        grant: fields.any('grant'),
        by: fields.whole('by', 0, MAX_PROCESSES - 1),
        held: fields.whole('held'),
      };
    case 'probe':
      return { type, run: fields.whole('run'), probe: fields.whole('probe') };
    case 'taken':
      return { type, run: fields.whole('run'), bytes: fields.whole('bytes') };
    case 'begin':
    case 'collect':
    case 'abandon':
      return { type, run: fields.whole('run') };
    case 'stop':
      return { type };
  }
}

/** The number of a host of some cluster, or what is wrong with it. */
export const parseHostNumber = (host: unknown): number | string =>
  Number.isInteger(host) && Number(host) >= 0 && Number(host) < MAX_HOSTS
    ? Number(host)
    : 'not a host number';

function parsePeer(value: unknown): PeerAddress | string {
  const fields = new FieldReader('process', value);
  const hosts = fields.list('hosts', MAX_HOSTS, parseHostNumber);
  const peer = { hosts, fabric: fields.text('fabric', 512) };
  return fields.problem ?? peer;
}
