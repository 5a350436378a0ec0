/**
 * What a machine that joins a cluster and its coordinator tell each other: an offer once, then assignments and releases
 * as formations come and go; at last it leaves, or is dismissed.
 */
import { MAX_HOSTS, MAX_PROCESSES } from '../../units/elements.js';
import { hostNumbers } from './orders.js';
import {
  choice,
  flag,
  list,
  reader,
  record,
  refined,
  text,
  variants,
  whole,
  type Infer,
} from './shape.js';

/** The path of the coordinator's socket for joining machines. */
export const JOIN_PATH = '/join';
/** What both ends must speak. */
export const JOIN_PROTOCOL = 'pinwire-join/1';
/** No message of either side is longer. */
export const MAX_JOIN_BYTES = 1 << 20;

/** What a machine may be called: it stands in messages that people read on their terminals. */
export const isMachineName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,64}$/.test(name);

const protocol = text(64);
const cluster = text(64);

const JOIN_NOTICE = variants('notice', {
  /** What a machine has to offer. */
  offer: {
    protocol,
    /** Of pinwire, and of Node.js (`v20.20.2`): equal ones give equal results. */
    version: text(64),
    node: text(64),
    /** What its operator calls it. */
    name: refined(text(64), isMachineName, 'not a machine name'),
    /** Emulated hosts, and the processes that they are packed into. */
    hosts: whole(1, MAX_HOSTS),
    processes: whole(1, ({ hosts }) => Math.min(hosts, MAX_PROCESSES)),
    /** Logical processors, and bytes of memory, of the machine or of its container. */
    cores: whole(1),
    memory: whole(),
    /** Its links are encrypted. */
    encrypted: flag,
  },
  /** A host process ended without being told to. */
  ended: { cluster, process: whole(0, MAX_PROCESSES - 1), how: text(4096) },
  /** It wants to leave, after the current run. */
  leaving: {},
});
export type JoinNotice = Infer<typeof JOIN_NOTICE>;
export type Offer = Extract<JoinNotice, { type: 'offer' }>;

/** One process that a machine is to start. */
const ASSIGNED_PROCESS = record('assigned', {
  process: whole(0, MAX_PROCESSES - 1),
  hosts: hostNumbers,
  ticket: text(64),
});

const JOIN_ORDER = variants('order', {
  /** It will be needed; until then it waits. */
  welcome: { name: text(128) },
  refused: { reason: text() },
  assign: {
    cluster,
    /** Of the whole formation. */
    processes: whole(1, MAX_PROCESSES),
    assigned: list(MAX_PROCESSES, ASSIGNED_PROCESS),
  },
  /** Its processes are to stop; another assignment may follow. */
  release: {},
  /** It is not needed any more. */
  dismiss: { reason: text() },
});
export type JoinOrder = Infer<typeof JOIN_ORDER>;

/** An order, or what is wrong with it. */
export const parseJoinOrder = reader(JOIN_ORDER);

const readNotice = reader(JOIN_NOTICE);
const readGreeting = reader(record('notice', { type: choice('offer'), protocol }));

/** A notice, or what is wrong with it. */
export function parseJoinNotice(value: unknown): JoinNotice | string {
  const greeting = readGreeting(value);
  // Of another protocol nothing else is known.
  if (typeof greeting !== 'string' && greeting.protocol !== JOIN_PROTOCOL) {
    return { ...greeting, ...STRANGER };
  }
  return readNotice(value);
}

const STRANGER = {
  version: '',
  node: '',
  name: '',
  hosts: 1,
  processes: 1,
  cores: 1,
  memory: 0,
  encrypted: false,
};
