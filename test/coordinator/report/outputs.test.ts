import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatHgrm } from '../../../coordinator/report/hgrm.js';
import { prepareOutputs, writeOutputs } from '../../../coordinator/report/outputs.js';
import { formatResults } from '../../../coordinator/report/results.js';
import {
  bandwidthResult,
  latencyResult,
  sampleLatencies,
  sampleResults,
} from './sample-results.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pinwire-outputs-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const none = { json: undefined, hgrm: undefined, out: undefined };
const results = sampleResults([latencyResult(8), latencyResult(64), bandwidthResult(64)]);
const samples = new Map([
  [0, sampleLatencies(1_000_000)],
  [1, sampleLatencies(2_000_000)],
]);

describe('a results file', () => {
  test('takes the place of the one before it as a whole, and leaves nothing beside it', async () => {
    const json = join(directory, 'a.json');
    writeFileSync(json, 'older');
    await writeOutputs({ ...none, json }, results, samples);
    expect(readFileSync(json, 'utf8')).toBe(formatResults(results));
    expect(readdirSync(directory)).toEqual(['a.json']);
  });

  test('that cannot be written leaves the one before it', async () => {
    const json = join(directory, 'a.json');
    writeFileSync(json, 'older');
    const endless = { ...results, toString: undefined, cluster: { ...results.cluster, seed: NaN } };
    await expect(writeOutputs({ ...none, json }, endless, samples)).rejects.toThrow('seed');
    expect(readFileSync(json, 'utf8')).toBe('older');
  });

  test('is written into a device as it is', async () => {
    await writeOutputs({ ...none, json: '/dev/null' }, results, samples);
    expect(readdirSync('/dev').filter((name) => name.includes('.null'))).toEqual([]);
  });
});

describe('--hgrm', () => {
  test('writes a distribution for each result that has latencies', async () => {
    const hgrm = join(directory, 'below', 'here');
    prepareOutputs({ ...none, hgrm }, undefined);
    await writeOutputs({ ...none, hgrm }, results, samples);
    expect(readdirSync(hgrm).sort()).toEqual(['micro-write-lat-1.hgrm', 'micro-write-lat-2.hgrm']);
    const text = readFileSync(join(hgrm, 'micro-write-lat-2.hgrm'), 'utf8');
    expect(text).toBe(formatHgrm(samples.get(1)!));
  });

  test('needs no number where a workload has one result', async () => {
    const lone = sampleResults([latencyResult(8)]);
    await writeOutputs({ ...none, hgrm: directory }, lone, samples);
    expect(readdirSync(directory)).toEqual(['micro-write-lat.hgrm']);
  });
});

test('--json - asks for no file', async () => {
  prepareOutputs({ ...none, json: '-' }, undefined);
  expect(await writeOutputs({ ...none, json: '-' }, results, samples)).toEqual([]);
});
