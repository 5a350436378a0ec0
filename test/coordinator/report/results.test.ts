import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { formatResults, type Results } from '../../../coordinator/report/results.js';
import { parseResults } from '../../../coordinator/report/results-file.js';
import { STAGES as STAGE_NAMES } from '../../../sim/stages.js';
import { bandwidthResult, latencyResult, sampleResults } from './sample-results.js';

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/results.schema.json', import.meta.url), 'utf8'),
) as Schema;
const matchesSchema = new Ajv2020({ allErrors: true, strict: false }).compile(schema);

interface Schema {
  readonly properties: {
    readonly results: {
      readonly items: {
        readonly properties: {
          readonly stages: {
            readonly items: { readonly properties: { readonly name: { readonly enum: string[] } } };
          };
        };
      };
    };
  };
}

const sample = sampleResults([
  latencyResult(8),
  bandwidthResult(4096),
  {
    workload: 'host/pinning',
    params: {},
    verified: null,
    note: 'a comparison of the results above',
    metrics: [{ name: 'crossover_copy_pin', unit: 'B', value: 11_264.5 }],
    virtual_ns: 0,
    trace_hash: 'e3b0c442',
  },
]);

/** The sample with the value at `path` replaced, or removed if there is none. */
function changed(path: readonly (string | number)[], value?: unknown): unknown {
  const copy = structuredClone(sample) as unknown as Record<string, unknown>;
  let at: Record<string, unknown> = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
  at[path.at(-1)!] = value;
  return JSON.parse(JSON.stringify(copy));
}

const problemOf = (value: unknown): string => {
  const file = parseResults(JSON.stringify(value));
  return 'problem' in file ? file.problem : 'none';
};

describe('formatResults', () => {
  it('writes what the schema asks for', () => {
    expect(matchesSchema(JSON.parse(formatResults(sample)))).toBe(true);
    expect(matchesSchema.errors).toBeNull();
  });

  it('loses nothing', () => {
    expect(JSON.parse(formatResults(sample))).toEqual(JSON.parse(JSON.stringify(sample)));
  });

  it('writes the same bytes whatever order the keys were set in', () => {
    const backwards = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(Object.entries(value).reverse());
    const shuffled = {
      ...sample,
      run: backwards(sample.run),
      cluster: backwards(sample.cluster),
      results: sample.results.map((result) => ({
        ...(backwards(result) as object),
        metrics: result.metrics.map(backwards),
        ...(result.counters && { counters: backwards(result.counters) }),
      })),
    } as unknown as Results;
    expect(formatResults(shuffled)).toBe(formatResults(sample));
  });

  it('keeps the parameters in the order the workload declares them', () => {
    expect(formatResults(sample)).toMatch(/"size": 8,\s+"iterations": 1000,\s+"inline"/);
  });

  it('refuses to write a figure that is not a number', () => {
    const results = sampleResults([
      { ...latencyResult(8), metrics: [{ name: 'rate', unit: 'Mmsg/s', value: 1 / 0 }] },
    ]);
    expect(() => formatResults(results)).toThrow('value is Infinity');
  });
});

describe('the schema', () => {
  it('has the stage names of the emulator', () => {
    expect(schema.properties.results.items.properties.stages.items.properties.name.enum).toEqual([
      ...STAGE_NAMES,
    ]);
  });
});

describe('parseResults', () => {
  it('reads what formatResults wrote', () => {
    const file = parseResults(formatResults(sample));
    expect('results' in file && formatResults(file.results)).toBe(formatResults(sample));
  });

  it('lets keys of later versions through', () => {
    expect(problemOf(changed(['run', 'weather'], 'rain'))).toBe('none');
  });

  it('says where a file is wrong and what stands there', () => {
    const problems = [
      [
        changed(['schema'], 'pinwire/9'),
        'schema: is "pinwire/9", and this version reads "pinwire/1"',
      ],
      [changed(['run']), 'run: is missing, not an object'],
      [changed(['run', 'pids', 1], 'x'), 'run.pids[1]: is "x", not a whole number'],
      [
        changed(['cluster', 'clock'], 'sundial'),
        'cluster.clock: is "sundial", not one of virtual, real',
      ],
      [
        changed(['results', 0, 'verified'], 1),
        'results[0].verified: is 1, not true, false or null',
      ],
      [
        changed(['results', 0, 'metrics', 0, 'p99.9']),
        'results[0].metrics[0].p99.9: is missing, not a number',
      ],
      [
        changed(['results', 1, 'metrics', 1, 'value'], null),
        'results[1].metrics[1].value: is null, not a number',
      ],
      [
        changed(['results', 0, 'stages', 2, 'ps'], -5),
        'results[0].stages[2].ps: is -5, not a whole number from 0',
      ],
      [changed(['results', 2, 'note'], 7), 'results[2].note: is 7, not a text'],
      [changed(['results'], {}), 'results: is {}, not a list'],
    ] as const;
    for (const [value, problem] of problems) expect(problemOf(value)).toBe(problem);
  });

  it('refuses what is no results file at all', () => {
    expect(parseResults('{"schema": "pinw')).toMatchObject({
      problem: expect.stringMatching(/^not JSON: ./) as string,
    });
    for (const value of [null, [], 5, 'text'])
      expect(problemOf(value)).toMatch(/^schema: is missing/);
  });

  it('is no stricter and no laxer than the schema where both speak', () => {
    for (const value of [
      changed(['results', 0, 'trace_hash'], 'short'),
      changed(['results', 0, 'metrics', 0, 'unit']),
      changed(['results', 0, 'metrics', 0, 'name']),
      changed(['run', 'placement'], 'cloud'),
      changed(['run', 'rounds'], 1.5),
      changed(['cluster', 'hosts'], 0),
      changed(['results', 0, 'params'], []),
      changed(['results', 0, 'virtual_ns'], '1'),
    ]) {
      expect(matchesSchema(value)).toBe(false);
      expect(problemOf(value)).not.toBe('none');
    }
  });
});
