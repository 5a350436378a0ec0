/**
 * How a run names its program, so that every host finds its own copy:
 *
 *   catalogue:hpc/allreduce       a workload of the catalogue that is installed there
 *   program:my.ts#<sha256>        a file in a directory that the host's operator allowed, and what it must be made of
 *   file:///tmp/x/program.mjs     any file; only between a command and the processes that it started for itself
 */

export type ModuleReference =
  | { readonly kind: 'catalogue'; readonly name: string }
  | { readonly kind: 'program'; readonly file: string; readonly fingerprint: string }
  | { readonly kind: 'file'; readonly url: string };

const LONGEST_FILE_NAME = 255;
const LONGEST_REFERENCE = 4096;
const EXTENSION = /\.[cm]?[jt]s$/;

/** Whether a text names a module by its path, and not a workload of the catalogue. */
export const isModulePath = (name: string): boolean => EXTENSION.test(name);

/** Whether a text is the name of a module in some directory and cannot lead anywhere else. */
export const isProgramFile = (file: string): boolean =>
  file.length <= LONGEST_FILE_NAME && !/[/\\\0]/.test(file) && isModulePath(file);

export function printModuleReference(reference: ModuleReference): string {
  switch (reference.kind) {
    case 'catalogue':
      return `catalogue:${reference.name}`;
    case 'program':
      return `program:${reference.file}#${reference.fingerprint}`;
    case 'file':
      return reference.url;
  }
}

/** The reference that a text is, or what is wrong with it. */
export function parseModuleReference(text: unknown): ModuleReference | string {
  if (typeof text !== 'string') return 'expected a text';
  if (text.length > LONGEST_REFERENCE) return `longer than ${LONGEST_REFERENCE} characters`;
  const kind = text.slice(0, text.indexOf(':'));
  const rest = text.slice(kind.length + 1);
  switch (kind) {
    case 'catalogue':
      return /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/.test(rest)
        ? { kind, name: rest }
        : `"${rest.slice(0, 40)}" is not a workload name`;
    case 'program':
      return parseProgram(rest);
    case 'file':
      return rest.startsWith('///') && URL.canParse(text)
        ? { kind, url: text }
        : `"${text.slice(0, 40)}" is not a file: URL`;
    default:
      return `"${text.slice(0, 40)}" is not one of catalogue:NAME, program:FILE#SHA256, file:///PATH`;
  }
}

function parseProgram(text: string): ModuleReference | string {
  const [, file, fingerprint] = /^(.*)#([0-9a-f]{64})$/s.exec(text) ?? [];
  if (file === undefined || fingerprint === undefined) {
    return `"program:${text.slice(0, 40)}" does not end in # and the sha256 of the program`;
  }
  if (!isProgramFile(file)) {
    return `${JSON.stringify(file.slice(0, 40))} is not the file name of a .js or .ts module`;
  }
  return { kind: 'program', file, fingerprint };
}
