/**
 * What a client of a cluster that is up and its coordinator tell each other: hello once, answered with what the cluster
 * is; then runs, each requested, queued, started and ended by its record or by why there is none; and questions about
 * the cluster's state at any time.
 */
import { parseNotes } from './notices.js';
import { FieldReader } from './field-reader.js';

/** The path of the coordinator's socket for clients. */
export const CLIENT_PATH = '/client';
/** What both ends must speak. */
export const CLIENT_PROTOCOL = 'pinwire-client/1';

export interface ClientHello {
  readonly type: 'hello';
  readonly protocol: string;
  /** Of pinwire, and of Node.js (`v20.20.2`). */
  readonly version: string;
  readonly node: string;
  /** Whose runs these are, for people: `ada@node7 (pid 4711): run hpc/allreduce`. */
  readonly who: string;
}

export type ClientRequest =
  | ClientHello
  | {
      readonly type: 'run';
      /** The client's own number for it. */
      readonly id: number;
      /** What it is, for people: `micro/write-lat, configuration 3 of 24`. */
      readonly name: string;
      /** Checked where it is used: only the cluster knows what fits it. */
      readonly run: unknown;
    }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'status' };

export type ClientReply =
  | {
      readonly type: 'cluster';
      readonly version: string;
      readonly node: string;
      /** The cluster's configuration, checked where it is used. */
      readonly cluster: unknown;
    }
  /** To a hello: the connection ends. */
  | { readonly type: 'refused'; readonly reason: string }
  | {
      readonly type: 'queued';
      readonly id: number;
      /** Runs that come before it. */
      readonly before: number;
      /** Hosts of the cluster that have not joined, and all of them. */
      readonly missing: number;
      readonly hosts: number;
    }
  | { readonly type: 'started'; readonly id: number; readonly pids: readonly number[] }
  | {
      readonly type: 'progress';
      readonly id: number;
      readonly now: number;
      readonly events: number;
      readonly packets: number;
    }
  /** What there is to know of the run, a line each. */
  | { readonly type: 'noted'; readonly id: number; readonly notes: readonly string[] }
  | {
      readonly type: 'captured';
      readonly id: number;
      readonly host: number;
      readonly bytes: Uint8Array;
    }
  /** What came of it, checked where it is used. */
  | { readonly type: 'record'; readonly id: number; readonly record: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  /** The cluster's state, checked where it is used. */
  | { readonly type: 'status'; readonly status: unknown }
  /** The coordinator is going. */
  | { readonly type: 'closing'; readonly reason: string };

const LONGEST_NAME = 256;
const LONGEST_REASON = 2 ** 21;
const MAX_HOSTS = 512;
/** Of one message. */
const MAX_CAPTURED_BYTES = 2 ** 20;

/** A request, or what is wrong with it. */
export function parseClientRequest(value: unknown): ClientRequest | string {
  const fields = new FieldReader('request', value);
  const type = fields.oneOf('type', ['hello', 'run', 'cancel', 'status']);
  const request = readRequest(type, fields);
  return fields.problem ?? request;
}

function readRequest(type: ClientRequest['type'], fields: FieldReader): ClientRequest {
  switch (type) {
    case 'hello': {
      const protocol = printable(fields.text('protocol', 64));
      // Of another protocol nothing else is known.
      if (protocol !== CLIENT_PROTOCOL && fields.problem === undefined) {
        return { type, protocol, version: '', node: '', who: '' };
      }
      return {
        type,
        protocol,
        version: printable(fields.text('version', 64)),
        node: printable(fields.text('node', 64)),
        who: printable(fields.text('who', LONGEST_NAME)),
      };
    }
    case 'run':
      return {
        type,
        id: fields.whole('id'),
        name: printable(fields.text('name', LONGEST_NAME)),
        run: fields.any('run'),
      };
    case 'cancel':
      return { type, id: fields.whole('id') };
    case 'status':
      return { type };
  }
}

const REPLIES = [
  'cluster',
  'refused',
  'queued',
  'started',
  'progress',
  'noted',
  'captured',
  'record',
  'failed',
  'status',
  'closing',
] as const satisfies readonly ClientReply['type'][];

/** A reply, or what is wrong with it. */
export function parseClientReply(value: unknown): ClientReply | string {
  const fields = new FieldReader('reply', value);
  const type = fields.oneOf('type', REPLIES);
  const reply = readReply(type, fields);
  return fields.problem ?? reply;
}

function readReply(type: ClientReply['type'], fields: FieldReader): ClientReply {
  switch (type) {
    case 'cluster':
      return {
        type,
        version: printable(fields.text('version', 64)),
        node: printable(fields.text('node', 64)),
        cluster: fields.any('cluster'),
      };
    case 'refused':
    case 'closing':
      return { type, reason: printable(fields.text('reason')) };
    case 'queued':
      return {
        type,
        id: fields.whole('id'),
        before: fields.whole('before'),
        missing: fields.whole('missing', 0, MAX_HOSTS),
        hosts: fields.whole('hosts', 1, MAX_HOSTS),
      };
    case 'started':
      return { type, id: fields.whole('id'), pids: fields.list('pids', MAX_HOSTS, pid) };
    case 'progress':
      return {
        type,
        id: fields.whole('id'),
        now: fields.number('now'),
        events: fields.whole('events'),
        packets: fields.whole('packets'),
      };
    case 'noted':
      return { type, id: fields.whole('id'), notes: parseNotes(fields) };
    case 'captured':
      return {
        type,
        id: fields.whole('id'),
        host: fields.whole('host', 0, MAX_HOSTS - 1),
        bytes: fields.bytes('bytes', MAX_CAPTURED_BYTES),
      };
    case 'record':
      return { type, id: fields.whole('id'), record: fields.any('record') };
    case 'failed':
      return { type, id: fields.whole('id'), message: fields.text('message', LONGEST_REASON) };
    case 'status':
      return { type, status: fields.any('status') };
  }
}

const pid = (value: unknown): number | string =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 'no process number';

/** Texts of one end are shown on the terminal of the other: no control character gets there. */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');

/** As {@link printable}, but its lines stay lines. */
export const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');
