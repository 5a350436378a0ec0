import { describe, expect, it } from 'vitest';
import allreduce from '../../../workloads/hpc/allreduce.js';
import { doublingSteps } from '../../../workloads/hpc/recursive-doubling.js';
import { ringSteps } from '../../../workloads/hpc/ring-allreduce.js';
import type {
  ClusterShape,
  DistributionMetric,
  Parameters,
} from '../../../workloads/authoring/workload.js';
import { runWorkload, type ClusterOptions, type Measurement } from '../../embedded.js';

const ALGORITHMS = ['ring', 'recursive-doubling'] as const;

async function measure(params: Parameters, options: ClusterOptions = {}): Promise<Measurement> {
  const [measurement] = await runWorkload(allreduce, { iterations: 5, ...params }, options);
  return measurement!;
}

const latencyOf = ({ summary }: Measurement): DistributionMetric =>
  summary.metrics[0] as DistributionMetric;

const nicTotal = ({ run }: Measurement, name: string): number =>
  Object.values(run.counters).reduce((sum, counters) => sum + counters[name]!, 0);

describe.each(ALGORITHMS)('allreduce by %s', (algorithm) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('gives %i ranks the serial sum', async (hosts) => {
    for (const size of [8, 72, 3000]) {
      const { summary } = await measure({ algorithm, size, iterations: 2 }, { hosts });
      expect(summary.verified).toBe(true);
      expect(summary.counters).toMatchObject({ wrong_elements: 0, late_starts: 0 });
    }
  });

  it('does so beyond the eager limit, by rendezvous', async () => {
    for (const hosts of [2, 3, 4]) {
      const { summary } = await measure({ algorithm, size: 200_008, iterations: 2 }, { hosts });
      expect(summary.verified).toBe(true);
    }
  });

  it('does so where frames are lost, duplicated and delayed', async () => {
    const faults = { loss: 0.01, duplicate: 0.01, delayed: 0.01, delay: 2_000_000 };
    for (const size of [8, 5000, 40_000]) {
      const measured = await measure({ algorithm, size }, { hosts: 5, faults });
      expect(measured.summary.verified).toBe(true);
      expect(nicTotal(measured, 'fault_lost')).toBeGreaterThan(0);
    }
  });

  it('tells the median operation stage by stage, to the picosecond', async () => {
    const runs: [Parameters, ClusterOptions][] = [
      [{ size: 8 }, { hosts: 4 }],
      [{ size: 4096 }, { hosts: 5 }],
      [{ size: 65_536 }, { hosts: 3 }],
      [{ size: 4096, 'ranks-per-host': 2 }, { hosts: 2 }],
      [{ size: 4096 }, { hosts: 4, faults: { loss: 0.01 } }],
    ];
    for (const [params, options] of runs) {
      const measured = await measure({ algorithm, ...params }, options);
      const sum = measured.summary.stages!.reduce((so, { ps }) => so + ps, 0);
      expect(sum / 1000).toBe(latencyOf(measured).p50);
    }
  });

  it('gives the same figures again for the same seed, and others for another', async () => {
    const run = async (seed: number): Promise<string> => {
      const { summary, run: whole } = await measure({ algorithm, size: 512 }, { hosts: 4, seed });
      return JSON.stringify([summary, whole.traceHash]);
    };
    expect(await run(1)).toBe(await run(1));
    expect(await run(1)).not.toBe(await run(2));
  });

  it('takes several ranks of one host, which talk through their NIC', async () => {
    const { summary } = await measure(
      { algorithm, 'ranks-per-host': 3, size: 64 },
      { hosts: 2, cores: 3 },
    );
    expect(summary.verified).toBe(true);
  });
});

describe.each(['kernel', 'busy-poll', 'bypass'])('allreduce over %s', (path) => {
  it.each(ALGORITHMS)(
    'gives the serial sum, explained to the picosecond: %s',
    async (algorithm) => {
      for (const [size, hosts, perHost] of [
        [8, 4, 1],
        [3000, 3, 1],
        [40_000, 2, 2],
      ] as const) {
        const params = { algorithm, path, size, 'ranks-per-host': perHost };
        const measured = await measure(params, { hosts, cores: 4 });
        expect(measured.summary.verified).toBe(true);
        expect(measured.summary.counters).toMatchObject({ wrong_elements: 0, late_starts: 0 });
        const sum = measured.summary.stages!.reduce((so, { ps }) => so + ps, 0);
        expect(sum / 1000).toBe(latencyOf(measured).p50);
      }
    },
  );

  it('gives it where frames are lost', async () => {
    const faults = { loss: 0.01 };
    const measured = await measure({ path, size: 5000 }, { hosts: 4, faults });
    expect(measured.summary.verified).toBe(true);
    expect(nicTotal(measured, 'fault_lost')).toBeGreaterThan(0);
  });

  it('has no operation that waits for a timer where nothing is lost', async () => {
    const measured = await measure({ path, size: 8192, iterations: 60 }, { hosts: 4 });
    expect(latencyOf(measured).max).toBeLessThan(2 * latencyOf(measured).p50);
  });
});

it('hpc/allreduce compares its paths, and RDMA is the fastest', async () => {
  const measured = await runWorkload(
    allreduce,
    { path: 'all', size: '8,1KiB', iterations: 5 },
    { hosts: 4 },
  );
  const { metrics } = allreduce.compare!(measured, undefined!)!;
  expect(metrics.map(({ name }) => name)).toContain('kernel_over_rdma_1KiB');
  for (const metric of metrics) expect('value' in metric && metric.value).toBeGreaterThan(1);
});

describe('the steps of an allreduce', () => {
  const hopsOf = async (algorithm: string, hosts: number): Promise<number> => {
    const noise = false;
    const one = await measure({ algorithm: 'recursive-doubling', size: 8 }, { hosts: 2, noise });
    const all = await measure({ algorithm, size: 8 }, { hosts, noise });
    return latencyOf(all).p50 / latencyOf(one).p50;
  };

  it.each([
    ['recursive-doubling', 4, 2],
    ['recursive-doubling', 8, 3],
    ['recursive-doubling', 16, 4],
    ['ring', 2, 2],
    ['ring', 3, 4],
    ['ring', 4, 6],
    ['ring', 8, 14],
  ] as const)(
    'set its latency: %s of %i ranks takes %i messages',
    async (algorithm, hosts, steps) => {
      expect((algorithm === 'ring' ? ringSteps : doublingSteps)(hosts)).toBe(steps);
      // The copies and polls around them are what differs from single messages.
      expect(Math.abs((await hopsOf(algorithm, hosts)) / steps - 1)).toBeLessThan(0.08);
    },
  );

  it.each([
    [3, 3],
    [5, 4],
    [6, 4],
    [7, 4],
    [9, 5],
  ])(
    'fold %i ranks in at most %i, of which the first or the last may overlap',
    async (hosts, steps) => {
      expect(doublingSteps(hosts)).toBe(steps);
      const hops = await hopsOf('recursive-doubling', hosts);
      expect(hops).toBeLessThan(steps * 1.02);
      expect(hops).toBeGreaterThan((steps - 1) * 0.95);
    },
  );

  it('send 2 (n - 1) / n of the vector from each rank of a ring', async () => {
    for (const hosts of [2, 4, 8]) {
      const size = 16_384;
      const few = await measure({ algorithm: 'ring', size, iterations: 1 }, { hosts });
      const many = await measure({ algorithm: 'ring', size, iterations: 11 }, { hosts });
      const perRank = (2 * (hosts - 1) * size) / hosts;
      expect(few.summary.counters).toMatchObject({
        messages: hosts * 2 * (hosts - 1),
        bytes: hosts * perRank,
      });
      // What ten further operations put on the wire: the vector's chunks, and headers and acknowledgements around them.
      const wire = nicTotal(many, 'tx_wire_bytes') - nicTotal(few, 'tx_wire_bytes');
      const payload = 10 * hosts * perRank;
      expect(wire).toBeGreaterThan(payload);
      expect(wire / payload).toBeLessThan(1.4);
    }
  });

  it('send the whole vector log2 n times by recursive doubling', async () => {
    const { summary } = await measure(
      { algorithm: 'recursive-doubling', size: 1024, iterations: 3 },
      { hosts: 8 },
    );
    expect(summary.counters).toMatchObject({ messages: 3 * 8 * 3, bytes: 3 * 8 * 3 * 1024 });
  });
});

describe('hpc/allreduce', () => {
  it('chooses its algorithm by size, and says which', async () => {
    const small = await measure({ size: 8 }, { hosts: 2 });
    const large = await measure({ size: 65_536, iterations: 1 }, { hosts: 2 });
    expect(small.params).toMatchObject({ algorithm: 'recursive-doubling', ranks: 2 });
    expect(large.params).toMatchObject({ algorithm: 'ring', ranks: 2 });
  });

  it('gives one result for each size of a list', async () => {
    const measured = await runWorkload(allreduce, { size: '8,4KiB,1MiB' }, { hosts: 2 });
    expect(measured.map(({ params }) => [params['size'], params['iterations']])).toEqual([
      [8, 100],
      [4096, 100],
      [1_048_576, 4],
    ]);
    for (const { summary } of measured) expect(summary.verified).toBe(true);
  });

  it('runs on fewer ranks than there is room for', async () => {
    const { summary, run } = await measure({ ranks: 3 }, { hosts: 4 });
    expect(summary.verified).toBe(true);
    expect(run.values).toHaveLength(3);
  });

  it.each([
    [{ size: 12 }, 'size=12: a vector of doubles is a multiple of 8 bytes, up to 1 GiB'],
    [{ size: 0 }, 'size=0: a vector of doubles is a multiple of 8 bytes, up to 1 GiB'],
    [{ size: '8,much' }, 'size=much: expected a size such as 64KiB, or a list of them'],
    [{ iterations: 0 }, 'iterations=0: expected a whole number from 1, or auto'],
    [{ iterations: 'many' }, 'iterations=many: expected a whole number from 1, or auto'],
    [{ path: 'tunnel' }, 'path=tunnel: expected one of rdma, kernel, busy-poll, bypass, all'],
    [{ 'ranks-per-host': 8 }, 'ranks-per-host=8: a host has 4 cores (--cores)'],
    [{ ranks: 5 }, 'ranks=5: 2 hosts of 1 ranks each take 2'],
  ])('refuses %j', async (params, text) => {
    await expect(measure(params, { hosts: 2 })).rejects.toThrow(text);
  });

  it('names the paths that there are even where the command line has not looked', async () => {
    const { params } = await measure({}, { hosts: 2 });
    const shape = { hosts: 2, cores: 4 } as ClusterShape;
    expect(allreduce.configurations!({ ...params, path: 'tunnel' }, shape)).toBe(
      'path=tunnel: expected one of kernel, busy-poll, bypass, rdma, or all',
    );
  });
});
