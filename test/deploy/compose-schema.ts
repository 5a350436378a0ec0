/** The Compose specification's published JSON schema, as the package dclint carries it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';

const dclint = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
const schema = JSON.parse(
  readFileSync(join(dclint, 'schemas', 'compose.schema.json'), 'utf8'),
) as Record<string, unknown>;
// The schema names its dialect by https; Ajv knows draft 7 by http.
delete schema['$schema'];

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const validate = ajv.compile(schema);

/** What the schema has against a file; nothing if it is one. */
export function composeErrors(file: unknown): string[] {
  if (validate(file)) return [];
  return validate.errors!.map(({ instancePath, message, params }) => {
    const { additionalProperty } = params as { additionalProperty?: string };
    return `${instancePath}: ${message!}${additionalProperty === undefined ? '' : ` (${additionalProperty})`}`;
  });
}
