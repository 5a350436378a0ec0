import { describe, expect, it } from 'vitest';
import { runWorkload, type ClusterOptions } from '../../embedded.js';
import { BENCHMARKS } from './benchmarks.js';

const SHORT = { iterations: 50, warmup: 3, size: 8 };

describe.each(BENCHMARKS)('$name', (workload) => {
  const measured = async (options: ClusterOptions): Promise<string> => {
    const [{ summary, run } = undefined!] = await runWorkload(workload, SHORT, options);
    const { traceHash, lastEvent } = run;
    return JSON.stringify([summary, [...(summary.samples ?? [])], traceHash, lastEvent]);
  };
  const timed = async (options: ClusterOptions): Promise<unknown> => {
    const [{ summary } = undefined!] = await runWorkload(workload, SHORT, options);
    return summary.metrics;
  };

  it('gives the same for the same seed, to the last byte', async () => {
    expect(await measured({ seed: 7 })).toBe(await measured({ seed: 7 }));
  });

  it('gives other times for another seed, and the same without noise', async () => {
    expect(await timed({ seed: 7 })).not.toEqual(await timed({ seed: 8 }));
    expect(await timed({ seed: 7, noise: false })).toEqual(await timed({ seed: 8, noise: false }));
  });

  it('verifies under the real clock, and tells no stages there', async () => {
    const [{ summary } = undefined!] = await runWorkload(workload, SHORT, { clock: 'real' });
    expect(summary.verified).toBe(true);
    expect(summary.stages).toBeUndefined();
  });
});
