import { describe, expect, it } from 'vitest';
import type { WorkloadResult } from '../../../coordinator/report/results.js';
import { formatTables } from '../../../coordinator/report/tables.js';
import { formatWaterfall, waterfallOf } from '../../../coordinator/report/waterfall.js';
import { latencySummary } from '../../../workloads/authoring/statistics.js';
import { bandwidthResult, latencyResult, pathResult, sampleLatencies } from './sample-results.js';

const conclusion: WorkloadResult = {
  workload: 'host/paths',
  params: {},
  verified: null,
  note: 'of the medians',
  metrics: [{ name: 'gain_rdma', unit: 'x', value: 10.2345 }],
  virtual_ns: 0,
  trace_hash: 'e3b0c442',
};

const paths = (sizes: readonly number[]): WorkloadResult[] =>
  ['kernel', 'rdma'].flatMap((path, at) =>
    sizes.map((size) => pathResult(path, size, at === 0 ? 14e6 : 1.4e6)),
  );

describe('formatTables', () => {
  const counting = (size: number, apples: number): WorkloadResult => ({
    ...bandwidthResult(size),
    counted: new Map([
      ['pears', new Map([[1, 2]])],
      [
        'apples',
        new Map([
          [0, apples],
          [1, 3],
        ]),
      ],
    ]),
  });

  it('prints what programs counted, by host and in all', () => {
    expect(formatTables([counting(64, 4)])).toContain(
      `

  counted  host0  host1  all hosts
  -------  -----  -----  ---------
  apples       4      3          7
  pears        -      2          2
`,
    );
    expect(formatTables([bandwidthResult(64)])).not.toContain('counted');
  });

  it('prints counts of several configurations a row each', () => {
    expect(formatTables([counting(64, 4), counting(128, 5)])).toContain(
      `

  size   apples  pears
  -----  ------  -----
  64 B        7      2
  128 B       8      2
`,
    );
  });

  it('prints latencies in aligned columns, what varies as a column and the rest over them', () => {
    const failed = { ...latencyResult(8), workload: 'micro/read-lat', verified: false };
    expect(formatTables([latencyResult(8), latencyResult(4096), failed])).toBe(
      `\
micro/write-lat, micro/read-lat  (iterations 1000, inline auto, qps 1, type RC)
  workload          size  count  min [us]  p50 [us]  p99 [us]  max [us]  verified
  ---------------  -----  -----  --------  --------  --------  --------  --------
  micro/write-lat    8 B   1000     1.201     1.263     1.321     2.493  ok
  micro/write-lat  4 KiB   1000     1.610     1.672     1.730     3.310  ok
  micro/read-lat     8 B   1000     1.201     1.263     1.321     2.493  FAILED
`,
    );
  });

  it('prints sizes, durations and rates with their units, by what the parameters are', () => {
    const timed = (gap: number): WorkloadResult => ({
      ...bandwidthResult(64),
      params: { size: 7, gap, pace: 25, bytes: 65_536 },
      kinds: { gap: 'duration', pace: 'rate', bytes: 'size', size: undefined },
    });
    const [title, , , first, second] = formatTables([timed(1_500_000), timed(20_000)]).split('\n');
    expect(title).toMatch(/pace 25 Gb\/s, bytes 64 KiB\)$/);
    expect(first).toMatch(/^ {2}1\.5 us /);
    expect(second).toMatch(/^ {3}20 ns /);
    // A number that is called size, and has no unit by its kind.
    expect(formatTables([timed(1)])).toMatch(/^ +7 /m);
  });

  it('prints the 99.9th percentile of 10,000 operations and more, where ten lie beyond it', () => {
    const many = latencySummary(sampleLatencies(1_200_000, 10_000));
    const most = { ...many, count: 9_999 };
    const rows = [many, most].map((metric, at) => ({
      ...latencyResult(at + 1),
      metrics: [metric],
    }));
    const lines = formatTables(rows).split('\n');
    expect(lines[1]).toContain('p99 [us]  p99.9 [us]  max [us]');
    expect(lines[3]).toMatch(/^ {3}1 B +10000( +\d\.\d{3}){5} {2}ok$/);
    expect(lines[4]).toMatch(/^ {3}2 B +9999( +\d\.\d{3}){3} +- +\d\.\d{3} {2}ok$/);
  });

  it('prints bandwidths in a table of their own', () => {
    const text = formatTables([latencyResult(8), bandwidthResult(64), bandwidthResult(65536)]);
    expect(text.split('\n\n')[1]).toBe(
      `\
micro/write-bw  (iterations 5000, outstanding 128, inline auto, qps 1, type RC)
    size  bandwidth [Gb/s]  rate [Mmsg/s]  verified
  ------  ----------------  -------------  --------
    64 B             0.762         11.900  ok
  64 KiB            97.100          0.185  ok
`,
    );
  });

  it('prints a lone size as a column too', () => {
    expect(formatTables([bandwidthResult(64)])).toContain('\n  size  bandwidth [Gb/s]');
  });

  it('prints a long comparison as a grid, with its failures', () => {
    const sizes = [16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576];
    const results = paths(sizes);
    results[2] = { ...results[2]!, verified: false };
    const lines = formatTables(results).split('\n');
    expect(lines[0]).toBe('host/paths  (iterations 1000)');
    expect(lines[1]).toBe('  size \\ median latency [us]         kernel    rdma  verified');
    expect(lines[3]).toBe('                        16 B         14.064   1.464  ok');
    expect(lines[5]).toBe('                       256 B  14.085 FAILED   1.485  FAILED');
    expect(lines).toHaveLength(3 + sizes.length + 1);
  });

  it('prints what a comparison comes to under it, with the note', () => {
    const text = formatTables([...paths([16, 64]), conclusion]);
    expect(text).toContain('  kernel  64 B  ');
    expect(text).toContain('\n\nhost/paths: overall\n  gain rdma [x]  verified\n');
    expect(text).toContain('\n           10.2  -\n  note: of the medians\n');
  });

  it('chooses the unit of times by the smallest, and few digits for large figures', () => {
    const pinning = (size: number, p50: number): WorkloadResult => ({
      ...conclusion,
      params: { size },
      metrics: [
        { name: 'cost', unit: 'ns', value: p50 },
        { name: 'pages', unit: '', value: size },
      ],
    });
    expect(formatTables([pinning(16, 85.25), pinning(4096, 12_345.5)])).toContain(
      '4 KiB    12345.5   4096  -',
    );
    const seconds = formatTables([pinning(16, 2.5e9)]);
    expect(seconds).toContain('cost [s]');
    expect(seconds).toContain('2.500');
  });

  it('lets no text of a user steer the terminal', () => {
    const text = formatTables([{ ...conclusion, workload: 'my\u001b[2J', note: 'a\nb' }]);
    expect(text).toContain('my?[2J');
    expect(text).toContain('note: a?b');
    expect(text).not.toContain('\u001b');
  });

  it('takes a workload without parameters for a measurement, not for the end of a comparison', () => {
    expect(formatTables([{ ...conclusion, workload: 'ping-pong' }])).not.toContain('overall');
  });

  it('prints nothing of nothing', () => {
    expect(formatTables([])).toBe('');
  });
});

describe('formatWaterfall', () => {
  it('prints each stage with its share, its bar and the running total', () => {
    const lines = formatWaterfall(latencyResult(8)).split('\n');
    expect(lines[0]).toBe(
      'micro/write-lat  (size 8 B, iterations 1000, inline auto, qps 1, type RC)',
    );
    expect(lines[2]).toBe(
      '  post             40.000   3.2 %    40.000  █                                 the program writes the request',
    );
    expect(lines[3]).toBe(
      '  doorbell        220.000  17.4 %   260.000   ██████                           the program tells the NIC, over PCIe',
    );
  });

  it('says that the stages sum to the latency exactly', () => {
    const result = latencyResult(8);
    const latency = result.metrics[0]!;
    const sum = result.stages!.reduce((total, { ps }) => total + ps, 0);
    expect('p50' in latency && Math.round(latency.p50 * 1000)).toBe(sum);
    expect(formatWaterfall(result)).toContain(
      `= ${(sum / 1000).toFixed(3)} ns, the median of 1000 operations, exactly\n`,
    );
  });

  it('says so when they do not', () => {
    const result = latencyResult(8);
    const stages = [...result.stages!, { name: 'retry', ps: 5 }];
    expect(waterfallOf({ ...result, stages })?.difference).toBe(-5);
    expect(formatWaterfall({ ...result, stages })).toContain(
      "differs from the median of 1000 operations by -5 ps: the stages are another operation's",
    );
  });

  it('keeps every bar within its columns, however short the stage', () => {
    const stages = [
      { name: 'post', ps: 1 },
      { name: 'switch', ps: 1_000_000 },
      { name: 'poll', ps: 1 },
    ];
    const lines = formatWaterfall({ ...latencyResult(8), stages })
      .split('\n')
      .slice(2, 5);
    const bars = lines.map((line) => line.slice(line.search(/ {2}(?=[ █]{32} )/) + 2).slice(0, 32));
    expect(bars).toEqual([`█${' '.repeat(31)}`, '█'.repeat(32), `${' '.repeat(31)}█`]);
  });

  it('says in a line that there are no stages', () => {
    expect(formatWaterfall(bandwidthResult(64))).toMatch(
      /\n {2}this workload reports no stages\n$/,
    );
  });
});
