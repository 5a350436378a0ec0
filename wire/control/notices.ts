/**
 * What a host process tells the coordinator: hello and linked once, then per run prepared, reports of virtual time (or
 * of quiet), progress, and how it ended.
 */
import { MAX_CORES, MAX_HOSTS, MAX_PROCESSES } from '../../units/elements.js';
import {
  anything,
  bytes,
  flag,
  list,
  mapped,
  number,
  printableText,
  reader,
  refined,
  saying,
  text,
  variants,
  whole,
  type Infer,
} from './shape.js';

/** The most that is captured of one host in one message. */
export const MAX_CAPTURED_BYTES = 2 ** 20;
const LONGEST_STACK = 2 ** 20;
const LONGEST_BLOCKED = 400;
export const MOST_NOTES = 64;
const LONGEST_NOTE = 400;

/** Others dial it, and some of them not before a link is in doubt. */
const fabricUrl = refined(
  text(512),
  (url) => /^wss?:\/\/[^/]+$/.test(url) && URL.canParse(url),
  'not a ws:// address',
);

const process = whole(0, MAX_PROCESSES - 1);
const run = whole();

const QUIET = {
  /**
   * Frames sent to other processes and received from them since the run began: equal sums mean that none is under way.
   */
  sent: whole(),
  received: whole(),
  /** Nothing is pending here: no event, no timer. */
  idle: flag,
  programsLeft: whole(),
};

/** Lines for people. */
export const notes = list(MOST_NOTES, printableText(LONGEST_NOTE));

const NOTICE = variants('notice', {
  hello: {
    /** Names the cluster, and proves that this is the process that its coordinator expects. */
    cluster: text(64),
    process,
    ticket: text(64),
    pid: whole(1),
    /** ws:// address that other processes dial for the fabric. */
    fabric: fabricUrl,
  },
  linked: {},
  /** Its link with process `process` is gone. */
  unlinked: { process, reason: text() },
  prepared: { run },
  report: { run, report: anything },
  quiet: { run, probe: whole(), ...QUIET },
  progress: {
    run,
    /** Virtual time in ps (real clock: since the run began). */
    now: number(),
    events: whole(),
    packets: whole(),
    /** What there is to know since the last, a line each. */
    notes,
  },
  /** The next bytes of a host's capture file, where no directory was named. */
  captured: { run, host: whole(0, MAX_HOSTS - 1), bytes: bytes(MAX_CAPTURED_BYTES) },
  /** Nothing is left of the run here, as it was told; whatever was captured until then has been sent. */
  abandoned: { run },
  failed: {
    run,
    /** Host and core of the program, -1 where it is neither's. */
    host: whole(-1, MAX_HOSTS - 1),
    core: whole(-1, MAX_CORES - 1),
    message: text(LONGEST_STACK),
    stack: text(LONGEST_STACK),
  },
  outcome: {
    run,
    /** A run's outcome, checked where it is used. */
    outcome: anything,
    /** What the run cost this process, checked where it is used. */
    cost: anything,
    /** What there is to watch on its hosts, checked where it is used. */
    metrics: anything,
    /** Programs that had not ended, and what each waits for. */
    blocked: list(
      MAX_HOSTS * MAX_CORES,
      mapped(saying('not a text', text(Infinity)), (line) => line.slice(0, LONGEST_BLOCKED)),
    ),
  },
});
export type Notice = Infer<typeof NOTICE>;
export type Quiet = Pick<Extract<Notice, { type: 'quiet' }>, keyof typeof QUIET>;

/** A notice, or what is wrong with it. */
export const parseNotice = reader(NOTICE);
