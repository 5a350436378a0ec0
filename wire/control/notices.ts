/**
 * What a host process tells the coordinator: hello and linked once, then per run prepared, reports of virtual time (or of
 * quiet), progress, and how it ended.
 */
import { FieldReader } from './field-reader.js';

/** Frames sent to other processes and received from them since the run began: equal sums mean that none is under way. */
export interface Quiet {
  readonly sent: number;
  readonly received: number;
  /** Nothing is pending here: no event, no timer. */
  readonly idle: boolean;
  readonly programsLeft: number;
}

export type Notice =
  | {
      readonly type: 'hello';
      /** Names the cluster, and proves that this is the process that its coordinator expects. */
      readonly cluster: string;
      readonly process: number;
      readonly ticket: string;
      readonly pid: number;
      /** ws:// address that other processes dial for the fabric. */
      readonly fabric: string;
    }
  | { readonly type: 'linked' }
  /** Its link with process `process` is gone. */
  | { readonly type: 'unlinked'; readonly process: number; readonly reason: string }
  | { readonly type: 'prepared'; readonly run: number }
  | { readonly type: 'report'; readonly run: number; readonly report: unknown }
  | ({ readonly type: 'quiet'; readonly run: number; readonly probe: number } & Quiet)
  | {
      readonly type: 'progress';
      readonly run: number;
      /** Virtual time in ps (real clock: since the run began). */
      readonly now: number;
      readonly events: number;
      readonly packets: number;
      /** What there is to know since the last, a line each. */
      readonly notes: readonly string[];
    }
  /** The next bytes of a host's capture file, where no directory was named. */
  | {
      readonly type: 'captured';
      readonly run: number;
      readonly host: number;
      readonly bytes: Uint8Array;
    }
  /** Nothing is left of the run here, as it was told; whatever was captured until then has been sent. */
  | { readonly type: 'abandoned'; readonly run: number }
  | {
      readonly type: 'failed';
      readonly run: number;
      /** Host and core of the program, -1 where it is neither's; host -1 and core 0: it is not known which program's. */
      readonly host: number;
      readonly core: number;
      readonly message: string;
      readonly stack: string;
    }
  | {
      readonly type: 'outcome';
      readonly run: number;
      /** A run's outcome, checked where it is used. */
      readonly outcome: unknown;
      /** What the run cost this process, checked where it is used. */
      readonly cost: unknown;
      /** What there is to watch on its hosts, checked where it is used. */
      readonly metrics: unknown;
      /** Programs that had not ended, and what each waits for. */
      readonly blocked: readonly string[];
    };

const TYPES = [
  'hello',
  'linked',
  'unlinked',
  'prepared',
  'report',
  'quiet',
  'progress',
  'captured',
  'abandoned',
  'failed',
  'outcome',
] as const satisfies readonly Notice['type'][];

/** Of one message. */
const MAX_CAPTURED_BYTES = 2 ** 20;
const LONGEST_STACK = 2 ** 20;
const MAX_PROGRAMS = 2 ** 16;

export const MOST_NOTES = 64;
const LONGEST_NOTE = 400;

/** Lines for people. */
export const parseNotes = (fields: FieldReader): string[] =>
  fields
    .list('notes', MOST_NOTES, (line) =>
      typeof line === 'string' ? { line: line.slice(0, LONGEST_NOTE) } : 'not a text',
    )
    .map(({ line }) => line.replace(/\p{Cc}/gu, ' '));

/** A notice, or what is wrong with it. */
export function parseNotice(value: unknown): Notice | string {
  const fields = new FieldReader('notice', value);
  const type = fields.oneOf('type', TYPES);
  const notice = read(type, fields);
  return fields.problem ?? notice;
}

/** Others dial it, and some of them not before a link is in doubt. */
function fabricUrl(fields: FieldReader): string {
  const text = fields.text('fabric', 512);
  if (!/^wss?:\/\/[^/]+$/.test(text) || !URL.canParse(text)) {
    fields.problem ??= 'notice.fabric: no ws:// address';
  }
  return text;
}

function read(type: Notice['type'], fields: FieldReader): Notice {
  switch (type) {
    case 'hello':
      return {
        type,
        cluster: fields.text('cluster', 64),
        process: fields.whole('process', 0, 511),
        ticket: fields.text('ticket', 64),
        pid: fields.whole('pid', 1),
        fabric: fabricUrl(fields),
      };
    case 'unlinked':
      return { type, process: fields.whole('process', 0, 511), reason: fields.text('reason') };
    case 'linked':
      return { type };
    case 'prepared':
    case 'abandoned':
      return { type, run: fields.whole('run') };
    case 'report':
      return { type, run: fields.whole('run'), report: fields.any('report') };
    case 'quiet':
      return {
        type,
        run: fields.whole('run'),
        probe: fields.whole('probe'),
        sent: fields.whole('sent'),
        received: fields.whole('received'),
        idle: fields.flag('idle'),
        programsLeft: fields.whole('programsLeft'),
      };
    case 'progress':
      return {
        type,
        run: fields.whole('run'),
        now: fields.number('now'),
        events: fields.whole('events'),
        packets: fields.whole('packets'),
        notes: parseNotes(fields),
      };
    case 'captured':
      return {
        type,
        run: fields.whole('run'),
        host: fields.whole('host', 0, 511),
        bytes: fields.bytes('bytes', MAX_CAPTURED_BYTES),
      };
    case 'failed':
      return {
        type,
        run: fields.whole('run'),
        host: fields.whole('host', -1, 511),
        core: fields.whole('core', -1, 127),
        message: fields.text('message', LONGEST_STACK),
        stack: fields.text('stack', LONGEST_STACK),
      };
    case 'outcome':
      return {
        type,
        run: fields.whole('run'),
        outcome: fields.any('outcome'),
        cost: fields.any('cost'),
        metrics: fields.any('metrics'),
        blocked: fields
          .list('blocked', MAX_PROGRAMS, (line) =>
            typeof line === 'string' ? { line: line.slice(0, 400) } : 'not a text',
          )
          .map(({ line }) => line),
      };
  }
}
