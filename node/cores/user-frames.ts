/**
 * Which lines of a stack are the user's. A program's mistake is reported with its own lines; the emulator's lines in
 * between mean nothing to its author and appear only while PINWIRE_DEBUG is set.
 */
import { fileURLToPath } from 'node:url';

const isBuilt = import.meta.url.endsWith('.js');
const PACKAGE = fileURLToPath(new URL(isBuilt ? '../../../' : '../../', import.meta.url));

/** Where the emulator's own code is, as built and as source maps tell it. Workloads are programs like a user's. */
const OWN_CODE = ['coordinator', 'node', 'sim', 'units', 'wire', 'workloads/authoring']
  .flatMap((room) => [`${PACKAGE}dist/${room}/`, `${PACKAGE}${room}/`])
  .concat('node:', '<anonymous>', '/node_modules/piscina/');

const FRAME = /^\s*at /;

export const isUsersFrame = (line: string): boolean =>
  FRAME.test(line) && !OWN_CODE.some((place) => line.includes(place));

export const showsAllFrames = (): boolean => (process.env['PINWIRE_DEBUG'] ?? '') !== '';

/** The frames of a stack, without the message above them. */
export const framesOf = (stack: string): string[] =>
  stack.split('\n').filter((line) => FRAME.test(line));

/** A frame as part of a sentence: `program (/home/me/x.ts:3:7)`. */
export const placeOf = (frame: string): string =>
  frame
    .trim()
    .replace(/^at (async )?/, '')
    .replace('file://', '');
