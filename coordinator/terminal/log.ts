/**
 * The log of a command that stays up, on standard error: one line per event, as JSON for machines or as
 * `time level event key=value ...` for people. Events and their fields are listed in docs/metrics.md.
 */
import { pino } from 'pino';
import type { EventLog } from './event-log.js';
import { readChoice } from '../options/option-values.js';

export interface LogOptions {
  readonly log?: string | undefined;
  readonly 'log-level'?: string | undefined;
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
/** No event has such a field; if one ever should, it is not to be read in a log. */
const SECRETS = ['token', 'authorization', 'key', 'proof'];

/** Control characters that JSON lets stand, and some terminals obey. */
const CONTROL = /\p{Cc}/gu;
const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** `write` takes a line without its end. Throws a UsageError. */
export function createLog(options: LogOptions, write: (line: string) => void): EventLog {
  const format = readChoice('--log', options.log ?? 'text', ['text', 'json']);
  const level = readChoice('--log-level', options['log-level'] ?? 'info', LEVELS);
  const print = format === 'json' ? (line: string) => line : printEvent;
  return pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((field) => [field, `*.${field}`]), censor: '(not shown)' },
    },
    { write: (line: string) => write(print(line.trimEnd())) },
  );
}

/** A line of JSON as a person reads it. */
function printEvent(json: string): string {
  const { time, level, event, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const told = Object.entries(fields).map(([key, value]) => ` ${key}=${printValue(value)}`);
  return `${String(time)} ${String(level)} ${String(event)}${told.join('')}`;
}

/** What peers say may hold anything: only plain words stand without quotes. */
function printValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(printValue).join(',');
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value).replaceAll(CONTROL, escaped);
}
