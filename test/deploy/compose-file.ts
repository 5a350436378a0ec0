/**
 * Compose files as the tests read them: YAML with its merges, variables filled in, commands as lists of words.
 * Variables are what the Compose specification calls interpolation: ${NAME}, ${NAME:-default}, ${NAME:?message},
 * ${NAME:+replacement}, nested.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');

export type Variables = Readonly<Record<string, string>>;

export interface Service {
  readonly image: string;
  readonly command: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly (string | { readonly type: string; readonly target: string })[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly disable?: boolean };
  readonly deploy?: Readonly<Record<string, unknown>>;
  readonly secrets?: readonly string[];
  readonly restart?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

export const COMPOSE_FILES = [
  'docker-compose.yml',
  'deploy/coordinator.yml',
  'deploy/join.yml',
  'deploy/stack.yml',
] as const;

/** What a file needs to be told before it says anything. */
export const REQUIRED: Variables = {
  PINWIRE_URL: 'ws://coordinator:7600',
  PINWIRE_HOSTS: '4',
};

export function readCompose(file: string, variables: Variables = REQUIRED): ComposeFile {
  return parseCompose(readFileSync(join(ROOT, file), 'utf8'), variables);
}

export function parseCompose(text: string, variables: Variables): ComposeFile {
  return fillIn(parse(text, { merge: true }), variables) as ComposeFile;
}

/** A service's command as the words that the image's entrypoint is handed. */
export function wordsOf({ command }: Service): readonly string[] {
  return typeof command === 'string' ? command.split(/\s+/).filter((word) => word !== '') : command;
}

/** Every text in `value` with its variables filled in. */
function fillIn(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return interpolate(value, variables);
  if (Array.isArray(value)) return value.map((each) => fillIn(each, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, fillIn(each, variables)]),
  );
}

export function interpolate(text: string, variables: Variables): string {
  let result = '';
  for (let at = 0; at < text.length;) {
    if (text.startsWith('$$', at)) {
      result += '$';
      at += 2;
    } else if (text.startsWith('${', at)) {
      const end = closingBrace(text, at + 2);
      result += expand(text.slice(at + 2, end), variables);
      at = end + 1;
    } else {
      result += text[at]!;
      at++;
    }
  }
  return result;
}

function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) depth++;
    else if (text[at] === '}') depth--;
    if (depth === 0) return at;
  }
  throw new Error(`no closing brace in ${text}`);
}

/** What stands between the braces. */
function expand(expression: string, variables: Variables): string {
  const match = /^([A-Z][A-Z0-9_]*)(?::([-?+])([\s\S]*))?$/.exec(expression);
  if (match === null) throw new Error(`no variable: \${${expression}}`);
  const [, name, operator, operand] = match as unknown as [string, string, string?, string?];
  const value = variables[name] ?? '';
  if (operator === '+') return value === '' ? '' : interpolate(operand!, variables);
  if (value !== '') return value;
  if (operator === '-') return interpolate(operand!, variables);
  if (operator === '?') throw new Error(`${name} is required: ${operand!}`);
  return '';
}
