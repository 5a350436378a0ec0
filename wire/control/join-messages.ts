/**
 * What a machine that joins a cluster and its coordinator tell each other: an offer once, then assignments and releases as
 * formations come and go; at last it leaves, or is dismissed.
 */
import { MAX_HOSTS, MAX_PROCESSES } from '../../units/elements.js';
import { FieldReader } from './field-reader.js';
import { parseHostNumber } from './orders.js';

/** The path of the coordinator's socket for joining machines. */
export const JOIN_PATH = '/join';
/** What both ends must speak. */
export const JOIN_PROTOCOL = 'pinwire-join/1';
/** No message of either side is longer. */
export const MAX_JOIN_BYTES = 1 << 20;

/** What a machine has to offer. */
export interface Offer {
  readonly type: 'offer';
  readonly protocol: string;
  /** Of pinwire, and of Node.js (`v20.20.2`): equal ones give equal results. */
  readonly version: string;
  readonly node: string;
  /** What its operator calls it. */
  readonly name: string;
  /** Emulated hosts, and the processes that they are packed into. */
  readonly hosts: number;
  readonly processes: number;
  /** Logical processors, and bytes of memory, of the machine or of its container. */
  readonly cores: number;
  readonly memory: number;
  /** Its links are encrypted. */
  readonly encrypted: boolean;
}

export type JoinNotice =
  | Offer
  /** A host process ended without being told to. */
  | {
      readonly type: 'ended';
      readonly cluster: string;
      readonly process: number;
      readonly how: string;
    }
  /** It wants to go: after the run that is on. */
  | { readonly type: 'leaving' };

/** One process that a machine is to start. */
export interface AssignedProcess {
  readonly process: number;
  readonly hosts: readonly number[];
  readonly ticket: string;
}

export type JoinOrder =
  /** It will be needed; until then it waits. */
  | { readonly type: 'welcome'; readonly name: string }
  | { readonly type: 'refused'; readonly reason: string }
  | {
      readonly type: 'assign';
      readonly cluster: string;
      /** Of the whole formation. */
      readonly processes: number;
      readonly assigned: readonly AssignedProcess[];
    }
  /** Its processes are to stop; another assignment may follow. */
  | { readonly type: 'release' }
  /** It is not needed any more. */
  | { readonly type: 'dismiss'; readonly reason: string };

/** A notice, or what is wrong with it. */
export function parseJoinNotice(value: unknown): JoinNotice | string {
  const fields = new FieldReader('notice', value);
  const type = fields.oneOf('type', ['offer', 'ended', 'leaving']);
  const notice = readNotice(type, fields);
  return fields.problem ?? notice;
}

function readNotice(type: JoinNotice['type'], fields: FieldReader): JoinNotice {
  switch (type) {
    case 'offer': {
      const protocol = fields.text('protocol', 64);
      // Of another protocol nothing else is known.
      if (protocol !== JOIN_PROTOCOL && fields.problem === undefined) return stranger(protocol);
      const hosts = fields.whole('hosts', 1, MAX_HOSTS);
      return {
        type,
        protocol,
        version: fields.text('version', 64),
        node: fields.text('node', 64),
        name: nameIn(fields),
        hosts,
        processes: fields.whole('processes', 1, Math.min(Math.max(1, hosts), MAX_PROCESSES)),
        cores: fields.whole('cores', 1),
        memory: fields.whole('memory'),
        encrypted: fields.flag('encrypted'),
      };
    }
    case 'ended':
      return {
        type,
        cluster: fields.text('cluster', 64),
        process: fields.whole('process', 0, MAX_PROCESSES - 1),
        how: fields.text('how', 4096),
      };
    case 'leaving':
      return { type };
  }
}

/** What a machine may be called: it stands in messages that people read on their terminals. */
export const isMachineName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,64}$/.test(name);

function nameIn(fields: FieldReader): string {
  const name = fields.text('name', 64);
  if (!isMachineName(name)) fields.problem ??= 'notice.name: no name of a machine';
  return name;
}

const stranger = (protocol: string): Offer => ({
  type: 'offer',
  protocol,
  version: '',
  node: '',
  name: '',
  hosts: 1,
  processes: 1,
  cores: 1,
  memory: 0,
  encrypted: false,
});

/** An order, or what is wrong with it. */
export function parseJoinOrder(value: unknown): JoinOrder | string {
  const fields = new FieldReader('order', value);
  const type = fields.oneOf('type', ['welcome', 'refused', 'assign', 'release', 'dismiss']);
  const order = readOrder(type, fields);
  return fields.problem ?? order;
}

function readOrder(type: JoinOrder['type'], fields: FieldReader): JoinOrder {
  switch (type) {
    case 'welcome':
      return { type, name: fields.text('name', 128) };
    case 'refused':
    case 'dismiss':
      return { type, reason: fields.text('reason') };
    case 'assign':
      return {
        type,
        cluster: fields.text('cluster', 64),
        processes: fields.whole('processes', 1, MAX_PROCESSES),
        assigned: fields.list('assigned', MAX_PROCESSES, parseAssigned),
      };
    case 'release':
      return { type };
  }
}

function parseAssigned(value: unknown): AssignedProcess | string {
  const fields = new FieldReader('assigned', value);
  const assigned = {
    process: fields.whole('process', 0, MAX_PROCESSES - 1),
    hosts: fields.list('hosts', MAX_HOSTS, parseHostNumber),
    ticket: fields.text('ticket', 64),
  };
  return fields.problem ?? assigned;
}
