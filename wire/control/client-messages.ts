/**
 * What a client of a cluster that is up and its coordinator tell each other: hello once, answered with what the cluster
 * is; then runs, each requested, queued, started and ended by its record or by why there is none; and questions about
 * the cluster's state at any time.
 */
import { MAX_HOSTS } from '../../units/elements.js';
import { MAX_CAPTURED_BYTES, notes } from './notices.js';
import {
  anything,
  bytes,
  choice,
  list,
  number,
  optional,
  printable,
  printableText,
  reader,
  record,
  saying,
  text,
  variants,
  whole,
  type Infer,
} from './shape.js';

/** The path of the coordinator's socket for clients. */
export const CLIENT_PATH = '/client';
/** What both ends must speak. */
export const CLIENT_PROTOCOL = 'pinwire-client/2';

const LONGEST_NAME = 256;
const LONGEST_REASON = 2 ** 21;

const protocol = printableText(64);
/** The client's own number for a run. */
const id = whole();

const CLIENT_REQUEST = variants('request', {
  hello: {
    protocol,
    /** Of pinwire, and of Node.js (`v20.20.2`). */
    version: printableText(64),
    node: printableText(64),
    /** Whose runs these are, for people: `ada@node7 (pid 4711): run hpc/allreduce`. */
    who: printableText(LONGEST_NAME),
  },
  run: {
    id,
    /** What it is, for people: `micro/write-lat, configuration 3 of 24`. */
    name: printableText(LONGEST_NAME),
    /** Checked where it is used: only the cluster knows what fits it. */
    run: anything,
  },
  cancel: { id },
  status: {},
});
export type ClientRequest = Infer<typeof CLIENT_REQUEST>;
export type ClientHello = Extract<ClientRequest, { type: 'hello' }>;

const CLIENT_REPLY = variants('reply', {
  cluster: {
    version: printableText(64),
    node: printableText(64),
    /** The cluster's configuration, checked where it is used. */
    cluster: anything,
  },
  /** To a hello: the connection ends. */
  refused: { reason: printableText() },
  queued: {
    id,
    /** Runs that come before it. */
    before: whole(),
    /** Hosts of the cluster that have not joined, and all of them. */
    missing: whole(0, MAX_HOSTS),
    hosts: whole(1, MAX_HOSTS),
  },
  started: { id, pids: list(MAX_HOSTS, saying('not a process number', whole())) },
  progress: { id, now: number(), events: whole(), packets: whole() },
  /** What there is to know of the run, a line each. */
  noted: { id, notes },
  captured: { id, host: whole(0, MAX_HOSTS - 1), bytes: bytes(MAX_CAPTURED_BYTES) },
  /** What came of it, checked where it is used. */
  record: { id, record: anything },
  /** The known part of a run that had begun, checked where it is used. */
  failed: { id, message: text(LONGEST_REASON), known: optional(anything) },
  /** The cluster's state, checked where it is used. */
  status: { status: anything },
  /** The coordinator is going. */
  closing: { reason: printableText() },
});
export type ClientReply = Infer<typeof CLIENT_REPLY>;

/** A reply, or what is wrong with it. */
export const parseClientReply = reader(CLIENT_REPLY);

const readRequest = reader(CLIENT_REQUEST);
const readGreeting = reader(record('request', { type: choice('hello'), protocol }));

/** A request, or what is wrong with it. */
export function parseClientRequest(value: unknown): ClientRequest | string {
  const greeting = readGreeting(value);
  // Of another protocol nothing else is known.
  if (typeof greeting !== 'string' && greeting.protocol !== CLIENT_PROTOCOL) {
    return { ...greeting, version: '', node: '', who: '' };
  }
  return readRequest(value);
}

/** A text of several lines, each without control characters. */
export const printableLines = (lines: string): string =>
  lines.split('\n').map(printable).join('\n');
