/**
 * What a program threw, as people read it: one line that names the mistake and the user's line, then the user's other
 * frames. A program may throw anything, also an error that cannot be read or has a message of megabytes.
 */
import { VerbsError } from '../spec/verbs-error.js';
import { SegmentError } from '../program/segment-error.js';
import { framesOf, isUsersFrame, placeOf, showsAllFrames } from './user-frames.js';

export interface ToldError {
  /** One line. */
  readonly message: string;
  /** The same line, and the frames that follow it. */
  readonly stack: string;
}

const LONGEST_MESSAGE = 1000;
const MOST_FRAMES = 20;

export function toldError(error: unknown): ToldError {
  if (!isError(error)) return plain(`the program threw ${shown(error)}, which is not an Error`);
  const what = sentence(error);
  const all = framesOf(textOf(() => error.stack)).slice(0, MOST_FRAMES);
  const users = all.filter(isUsersFrame);
  const first = users[0];
  // An endless segment's error says itself where it is.
  const isPlaced = first === undefined || what.includes(placeOf(first));
  const line = isPlaced ? what : `${what}, at ${placeOf(first)}`;
  // An error that no line of the user's leads to, and that is none of ours, has to show where it comes from.
  const isRule = error instanceof SegmentError || error instanceof VerbsError;
  const whole = showsAllFrames() || (first === undefined && !isRule);
  return withFrames(line, whole ? all : users.slice(1));
}

/** The same of a promise that was rejected, and that nothing handled. */
export function toldRejection(reason: unknown): ToldError {
  const lost = 'a rejected promise that nothing handles';
  if (!isError(reason)) return plain(`${lost}: ${shown(reason)}`);
  const { message, stack } = toldError(reason);
  return { message: `${lost}: ${message}`, stack: `${lost}: ${stack}` };
}

/** Whether a line of the user's leads to it, as far as can be told. */
export const isUsers = (error: unknown): boolean =>
  !isError(error) ||
  error instanceof SegmentError ||
  error instanceof VerbsError ||
  framesOf(textOf(() => error.stack)).some(isUsersFrame);

function sentence(error: Error): string {
  const name = textOf(() => error.name);
  const message = oneLine(textOf(() => error.message));
  return [name, message].filter((part) => part !== '').join(': ') || 'an Error without a message';
}

const plain = (message: string): ToldError => ({ message, stack: message });

const withFrames = (message: string, frames: readonly string[]): ToldError => ({
  message,
  stack: [message, ...frames].join('\n'),
});

/** A Proxy may refuse even this. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/** A property of an error may be anything, or throw. */
function textOf(read: () => unknown): string {
  try {
    const value = read();
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

function oneLine(text: string): string {
  const line = text.slice(0, LONGEST_MESSAGE).replace(/\s*[\r\n]+\s*/g, ' ');
  return text.length > LONGEST_MESSAGE ? `${line}... (${text.length} characters)` : line;
}

function shown(value: unknown): string {
  try {
    return typeof value === 'string' ? `the text '${oneLine(value)}'` : oneLine(String(value));
  } catch {
    return `a value of type ${typeof value}`;
  }
}
