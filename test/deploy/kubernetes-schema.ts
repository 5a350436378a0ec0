/**
 * Kubernetes' published API schemas, as the package kubernetes-models carries them, and the strictness of `kubectl
 * --validate`: its compiled validators say what must be there and of what type, its declarations which fields there are
 * at all.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './compose-file.js';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

type Model = new (data: unknown) => { validate(): void };

/** What the schemas have against a manifest; nothing if it is what its kind describes. */
export async function manifestErrors(manifest: Manifest): Promise<string[]> {
  const { apiVersion, kind } = manifest;
  const module = `kubernetes-models/${apiVersion}/${kind}`;
  const { [kind]: model } = (await import(module)) as Record<string, Model>;
  try {
    new model!(manifest).validate();
  } catch (error) {
    return [(error as Error).message];
  }
  return unknownFields(module, `I${kind}`, manifest);
}

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  module: ts.ModuleKind.NodeNext,
};
/** A file that is not there: where a manifest stands while it is looked at. */
const FILE = join(ROOT, 'test/deploy/manifest.ts');
const host = ts.createCompilerHost(OPTIONS);
const parsed = new Map<string, ts.SourceFile | undefined>();

/** The compiler's word on the manifest as a literal of its kind's type: literals may hold no unknown field. */
function unknownFields(module: string, type: string, manifest: Manifest): string[] {
  const text = `import type { ${type} } from '${module}';
export const manifest: ${type} = ${JSON.stringify(manifest)};
`;
  const program = ts.createProgram([FILE], OPTIONS, {
    ...host,
    fileExists: (file) => file === FILE || host.fileExists(file),
    getSourceFile: (file, languageVersion) => {
      if (file === FILE) return ts.createSourceFile(file, text, languageVersion, true);
      // Declarations do not change: each is parsed once.
      if (!parsed.has(file)) parsed.set(file, host.getSourceFile(file, languageVersion));
      return parsed.get(file);
    },
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}
