import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../coordinator/report/report.js';
import type { WorkloadResult } from '../../../coordinator/report/results.js';
import { latencySummary } from '../../../workloads/authoring/statistics.js';
import { shellCommand } from '../../../coordinator/terminal/shell-command.js';
import {
  bandwidthResult,
  latencyResult,
  pathResult,
  sampleLatencies,
  sampleResults,
} from './sample-results.js';
import { roundSteps } from '../../../coordinator/report/plot.js';

const sizes = [8, 512, 65536];
const list: WorkloadResult[] = [
  ...sizes.map(latencyResult),
  ...sizes.map(bandwidthResult),
  ...['kernel', 'rdma'].flatMap((path, at) =>
    sizes.map((size) => pathResult(path, size, at === 0 ? 14e6 : 1.4e6)),
  ),
  {
    workload: 'host/paths',
    params: {},
    verified: null,
    note: 'Gains are of the medians.',
    metrics: [{ name: 'gain_rdma', unit: 'x', value: 10.25 }],
    virtual_ns: 0,
    trace_hash: 'e3b0c442',
  },
];
const samples = new Map(sizes.map((size, at) => [at, sampleLatencies(1_200_000 + size * 100)]));
const page = renderReport(sampleResults(list), { samples });

const titles = (html: string): string[] =>
  [...html.matchAll(/<figure>\s*<h3>([^<]*)<\/h3>/g)].map((match) => match[1]!);

describe('renderReport', () => {
  it('is one page that loads nothing', () => {
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\((?!#)/);
    expect(page.replaceAll(/ xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(/https?:|\/\//);
  });

  it('sets the ways through the host side by side, in one plot for several workloads', () => {
    const way = (workload: string, path: string, ps: number): WorkloadResult => ({
      ...pathResult(path, 16, ps),
      workload,
      stages: [{ name: path === 'rdma' ? 'post' : 'syscall', ps }],
    });
    const one = [way('host/paths', 'kernel', 20e6), way('host/paths', 'rdma', 2e6)];
    const other = [way('hpc/allreduce', 'kernel', 40e6), way('hpc/allreduce', 'bypass', 3e6)];
    const both = renderReport(sampleResults([...one, ...other]));
    expect(titles(both)[0]).toBe('Latency by path through the host');
    expect(both).toMatch(/stages side by side/);
    expect(both).toContain('kernel / rdma');
    expect(both).toContain('hpc/allreduce, 16 B');
    expect(titles(renderReport(sampleResults(one)))[0]).toBe('Latency against path');
    expect(renderReport(sampleResults([latencyResult(8)]))).not.toMatch(
      /path through the host<\/h2/,
    );
  });

  it('is the same for the same results, whatever was drawn before', () => {
    renderReport(sampleResults([latencyResult(64)]));
    expect(renderReport(sampleResults(list), { samples })).toBe(page);
  });

  it('draws each figure against what was varied, and how latencies are distributed', () => {
    expect(titles(page)).toEqual([
      'Latency against size',
      'Latency by percentile',
      'How many operations took how long, 8 B',
      'Bandwidth against size',
      'Rate against size',
      'Latency against size',
      'Latency by percentile',
    ]);
    expect(page.match(/<svg /g)).toHaveLength(7);
  });

  it('gives every clip path of the page a name of its own', () => {
    const names = [...page.matchAll(/<clipPath id="([^"]+)"/g)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(3);
    expect(new Set(names).size).toBe(names.length);
    for (const [, used] of page.matchAll(/url\(#([^)]+)\)/g)) expect(names).toContain(used);
  });

  it('draws distributions from percentiles where there are no samples', () => {
    const without = renderReport(sampleResults([latencyResult(8)]));
    expect(titles(without)).toEqual(['Latency by percentile']);
  });

  it('names the series of a comparison by what tells them apart', () => {
    const paths = page.slice(page.indexOf('<h2>host/paths'));
    for (const path of ['kernel', 'rdma']) expect(paths).toContain(`>${path}</text>`);
    expect(paths).toContain('10.25 x');
    expect(paths).toContain('Gains are of the medians.');
  });

  it('splits a comparison of three parameters into panels', () => {
    const rss = ['single', 'rss'].flatMap((steering) =>
      [1, 2, 4].flatMap((queues) =>
        [8, 64].map((flows): WorkloadResult => ({
          ...bandwidthResult(8),
          workload: 'host/rss',
          params: { steering, queues, flows },
          metrics: [{ name: 'rate', unit: 'Mpkt/s', value: queues * (flows + 1) }],
        })),
      ),
    );
    expect(titles(renderReport(sampleResults(rss)))).toEqual([
      'Rate against queues, flows 8',
      'Rate against queues, flows 64',
    ]);
  });

  it('draws kinds as bars, and says that an empty plot is zero everywhere', () => {
    const paging = ['on', 'off'].flatMap((iommu) =>
      ['pinned', 'odp'].map((memory): WorkloadResult => ({
        ...bandwidthResult(8),
        workload: 'host/paging',
        params: { iommu, memory },
        metrics: [{ name: 'wrong_bytes', unit: 'B', value: 0 }],
      })),
    );
    const html = renderReport(sampleResults(paging));
    expect(html).toContain('Zero everywhere.');
    expect(html).toContain('>pinned</text>');
  });

  it('shows where the time of the median operation goes', () => {
    expect(page).toContain('Where the time of the median operation goes (size 8 B)');
    expect(page).toMatch(/<code>payload_write<\/code><\/td>\s*<td class="gloss">the NIC writes/);
    expect(page).toContain('exactly the median latency');
    expect(page.match(/<table class="waterfall">/g)).toHaveLength(3);
  });

  it('tells what the run was and how to repeat it', () => {
    expect(page).toContain('npx pinwire run micro/write-lat --set size=8 --seed 1');
    expect(page).toMatch(/<dt>placement<\/dt>\s*<dd>process, cores as worker<\/dd>/);
    expect(page).toMatch(/<dt>pinwire<\/dt>\s*<dd>0\.1\.0<\/dd>/);
  });

  it('warns of what failed verification', () => {
    expect(page).not.toContain('role="alert"');
    const failed = renderReport(sampleResults([{ ...latencyResult(8), verified: false }]));
    expect(failed).toMatch(
      /<strong>1 of 1 results failed verification<\/strong>\s*\(micro\/write-lat\)/,
    );
    expect(failed).toContain('<td class="failed">FAILED</td>');
    expect(failed).not.toContain('<span class="chip good">');
  });

  it('says verified only where every configuration was', () => {
    const [some, other] = [latencyResult(8), { ...latencyResult(64), verified: null }];
    expect(renderReport(sampleResults([some, latencyResult(64)]))).toContain(
      'chip good">verified<',
    );
    expect(renderReport(sampleResults([some, other]))).toContain('chip plain">1 of 2 verified<');
    expect(renderReport(sampleResults([other]))).toContain('chip plain">nothing to verify<');
  });

  it('prints the 99.9th percentile only of 10,000 operations and more', () => {
    expect(page).not.toContain('>p99.9 [us]</th>');
    const many = latencySummary(sampleLatencies(1_200_000, 10_000));
    const results = sampleResults([{ ...latencyResult(8), metrics: [many] }, latencyResult(64)]);
    expect(renderReport(results)).toContain('>p99.9 [us]</th>');
  });

  it('warns of wall-clock figures', () => {
    expect(page).not.toContain('Wall-clock figures');
    const results = sampleResults([latencyResult(8)]);
    const real = renderReport({ ...results, cluster: { ...results.cluster, clock: 'real' } });
    expect(real).toContain('<strong>Wall-clock figures.</strong>');
  });

  it('lists every parameter, figure and counter', () => {
    for (const text of ['iterations 1000</span', '>p99 [us]</th>', '<code>host1.rx_bytes</code>']) {
      expect(page).toContain(text);
    }
    expect(page).toContain('9f86d081884c7d65');
  });

  it('escapes the text of users, in tables and in plots', () => {
    const evil = '<img src=x onerror="alert(1)">';
    const html = renderReport(
      sampleResults(
        ['a', 'b'].map((kind) => ({
          ...bandwidthResult(8),
          workload: evil,
          params: { [evil]: kind, other: evil },
          note: evil,
          metrics: [{ name: evil, unit: evil, value: 1 }],
          counters: { [evil]: 1 },
          trace_hash: evil,
        })),
      ),
    );
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });

  it('says that nothing was measured', () => {
    expect(renderReport(sampleResults([]))).toContain('ended before anything was measured');
  });
});

describe('shellCommand', () => {
  it('quotes what a shell would take apart, and adds the seed that was not said', () => {
    expect(shellCommand(['run', "it's.js", '--set', 'a=b c'], 7)).toBe(
      "npx pinwire run 'it'\\''s.js' --set 'a=b c' --seed 7",
    );
    expect(shellCommand(['suite', 'all', '--seed=7'], 7)).toBe('npx pinwire suite all --seed=7');
  });
});

describe('the steps of an axis', () => {
  it('are 1, 2 or 5 times a power of ten, and hold every value', () => {
    expect(roundSteps(1.363, 1.403)).toEqual({ from: 1.36, to: 1.41, step: 0.01 });
    expect(roundSteps(0, 60)).toEqual({ from: 0, to: 60, step: 10 });
    expect(roundSteps(0, 0.3)).toEqual({ from: 0, to: 0.3, step: 0.05 });
    expect(roundSteps(0, 8)).toEqual({ from: 0, to: 8, step: 2 });
  });
});
