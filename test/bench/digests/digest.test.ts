/** A digest holds what a run computed, and nothing of how and when it was computed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestFiles, digestResults, sha256 } from '../../../bench/digests/digest.js';
import {
  bandwidthResult,
  latencyResult,
  sampleResults,
} from '../../coordinator/report/sample-results.js';

const RESULTS = sampleResults([latencyResult(8), bandwidthResult(64)]);
const digestOf = (results: unknown): ReturnType<typeof digestResults> =>
  digestResults(JSON.stringify(results));

describe('the digest of results', () => {
  it('is the same whenever and wherever they were computed, in whatever order keys were written', () => {
    const { cluster, run, results, schema } = RESULTS;
    const elsewhere = { ...run, wall_s: 99, pids: [1], rounds: 12_345, events: run.events + 1 };
    const other = digestOf({ results, cluster, run: elsewhere, schema });
    expect(other.results).toBe(digestOf(RESULTS).results);
    expect(other.events).toBe(run.events + 1);
  });

  it('differs with any figure, and its parts say in which workload and key', () => {
    const [first, ...rest] = RESULTS.results;
    const changed = { ...first!, virtual_ns: first!.virtual_ns + 1 };
    const before = digestOf(RESULTS);
    const after = digestOf({ ...RESULTS, results: [changed, ...rest] });
    expect(after.results).not.toBe(before.results);
    const differing = Object.keys(before.parts).filter(
      (part) => before.parts[part] !== after.parts[part],
    );
    expect(differing).toEqual([`${first!.workload} virtual_ns`]);
  });

  it('differs with the cluster', () => {
    const changed = { ...RESULTS, cluster: { ...RESULTS.cluster, seed: 77 } };
    expect(digestOf(changed).results).not.toBe(digestOf(RESULTS).results);
  });
});

describe('the digest of captures', () => {
  it('has every file below the directory by its path', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pinwire-test-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    mkdirSync(join(directory, '1'));
    writeFileSync(join(directory, '1', 'host0.pcapng'), 'a');
    writeFileSync(join(directory, 'host1.pcapng'), 'b');
    expect(digestFiles(directory)).toEqual({
      '1/host0.pcapng': sha256('a'),
      'host1.pcapng': sha256('b'),
    });
  });

  it('is empty where nothing was captured', () => {
    expect(digestFiles(join(tmpdir(), 'pinwire-test-of-nothing'))).toEqual({});
  });
});
