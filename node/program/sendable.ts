/**
 * What a program may send to another rank, or return: data, and no objects of the emulator. JSON and structured clone
 * each drop or change other things silently, and which of them a value goes through depends on where the programs run;
 * so the value is looked at first, and what would not arrive as it was is named with where it stands.
 */

/** Beyond this a value is taken for endless. */
const DEEPEST = 200;

type Kind = 'told' | 'returned';

/** What cannot be sent, and the way to it. */
interface Finding {
  readonly path: string;
  readonly what: string;
}

/** What cannot be sent in `value`, as `value.peers[2] is a Map`; undefined if all of it can. */
export function unsendable(value: unknown, kind: Kind): string | undefined {
  const finding = look(value, kind, []);
  return finding && `value${finding.path} ${finding.what}`;
}

function look(value: unknown, kind: Kind, above: object[]): Finding | undefined {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return found(`is a ${typeof value}`);
    case 'bigint':
      return kind === 'told' ? found('is a bigint') : undefined;
    case 'number':
      return kind === 'told' && !Number.isFinite(value) ? found(`is ${value}`) : undefined;
    case 'object':
      return value === null ? undefined : lookInto(value, kind, above);
    default:
      return undefined;
  }
}

const found = (what: string): Finding => ({ path: '', what });

function lookInto(value: object, kind: Kind, above: object[]): Finding | undefined {
  if (kind === 'returned' && isBinary(value)) return undefined;
  if (above.includes(value)) return found('contains itself');
  if (above.length === DEEPEST) return found(`is more than ${DEEPEST} levels deep`);
  if (!Array.isArray(value) && !isPlain(value)) return found(`is ${withArticle(nameOf(value))}`);
  above.push(value);
  const finding = Array.isArray(value)
    ? lookIntoList(value, kind, above)
    : lookIntoRecord(value, kind, above);
  above.pop();
  return finding;
}

function lookIntoList(list: readonly unknown[], kind: Kind, above: object[]): Finding | undefined {
  for (let index = 0; index < list.length; index++) {
    const finding = look(list[index], kind, above);
    if (finding !== undefined) return { ...finding, path: `[${index}]${finding.path}` };
  }
  return undefined;
}

function lookIntoRecord(record: object, kind: Kind, above: object[]): Finding | undefined {
  for (const [key, value] of Object.entries(record)) {
    const finding = look(value, kind, above);
    if (finding !== undefined) return { ...finding, path: `.${key}${finding.path}` };
  }
  return undefined;
}

/** An object literal, of any realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const isBinary = (value: object): boolean =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

/** The class's name as the documentation has it: ours say `Program` for the program's side. */
function nameOf(value: object): string {
  const { constructor } = value as { constructor?: { name?: unknown } };
  const name = typeof constructor?.name === 'string' ? constructor.name : '';
  return name.replace(/^Program(?=[A-Z])/, '') || 'object of a class';
}

const withArticle = (name: string): string => `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
