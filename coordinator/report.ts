/**
 * `report.html`: a run's results as one page that needs no network, no script and no other file.
 * The same results give the same page.
 */
import { formatParam, formatRounded, scaleOf, spokenName } from './figures.js';
import { html, markup, type Markup } from './html.js';
import { workloadGloss } from './report-glossary.js';
import type { Samples } from './plot-axes.js';
import { figuresOf } from './report-plots.js';
import { REPORT_STYLE } from './report-style.js';
import { countersTable, figureList, resultsTable, waterfallTable } from './report-tables.js';
import { groupByWorkload, isConclusion, type Entry, type ResultGroup } from './result-groups.js';
import { isDistribution, type Results } from './results.js';
import { shellCommand } from './shell-command.js';

export interface ReportExtra {
  /** By the result's place in the list: the latency of every operation, in picoseconds. */
  readonly samples?: Samples;
}

export function renderReport(results: Results, extra: ReportExtra = {}): string {
  const groups = groupByWorkload(results.results);
  const samples = extra.samples ?? new Map<number, Float64Array>();
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <title>pinwire: ${titleOf(groups)}</title>
        <style>
          ${markup(REPORT_STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${heading(results)} ${banners(results)} ${overview(groups)}
          ${groups.map((group, at) => workloadSection(group, samples, at))} ${runSection(results)}
          ${keySection()}
        </main>
      </body>
    </html> `;
  return page.markup;
}

function titleOf(groups: readonly ResultGroup[]): string {
  const names = groups.flatMap(({ workloads }) => workloads);
  return names.length <= 3 ? names.join(', ') : `${names.length} workloads`;
}

function heading({ cluster, results }: Results): Markup {
  const hosts = cluster.hosts === 1 ? '1 emulated host' : `${cluster.hosts} emulated hosts`;
  const measured = results.length === 1 ? '1 result' : `${results.length} results`;
  return html`<header>
    <h1>pinwire report</h1>
    <p class="faint">
      ${measured} from ${hosts} with ${cluster.cores} cores each, hardware profile
      <code>${cluster.profile}</code>, seed ${cluster.seed}.
      ${
        cluster.clock === 'virtual'
          ? 'All times are virtual: a model of the hardware, the same on every machine that runs it.'
          : undefined
      }
    </p>
  </header>`;
}

function banners({ cluster, results }: Results): Markup {
  const failed = results.filter(({ verified }) => verified === false);
  const workloads = [...new Set(failed.map(({ workload }) => workload))].join(', ');
  return html`${
    failed.length > 0
      ? html`<div class="banner bad" role="alert">
          <p>
            <strong>${failed.length} of ${results.length} results failed verification</strong>
            (${workloads}). What these operations did was wrong; do not use their figures.
          </p>
        </div>`
      : undefined
  }
  ${
    cluster.clock === 'real'
      ? html`<div class="banner warn">
          <p>
            <strong>Wall-clock figures.</strong> This run used the real clock: times are what this
            machine took to emulate, not what the modelled hardware would take, and they differ from
            run to run.
          </p>
        </div>`
      : undefined
  }
  ${
    results.length === 0
      ? html`<div class="banner warn"><p>This run ended before anything was measured.</p></div>`
      : undefined
  }`;
}

function overview(groups: readonly ResultGroup[]): Markup | undefined {
  if (groups.length < 2) return undefined;
  return html`<section>
    <h2>At a glance</h2>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>workload</th>
            <th>figures</th>
            <th class="number wide">configurations</th>
            <th>verified</th>
          </tr>
        </thead>
        <tbody>
          ${groups.map(
            (group, at) =>
              html`<tr>
                <td><a href="#w${at}">${group.workloads[0]}</a></td>
                <td>${rangesOf(group).join('; ')}</td>
                <td class="number wide">${configurations(group).length}</td>
                <td>${chip(group)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** The first two figures, from the smallest to the largest over all configurations. */
function rangesOf(group: ResultGroup): string[] {
  const metrics = configurations(group).flatMap(({ result }) => result.metrics);
  return [...new Set(metrics.map(({ name }) => name))].slice(0, 2).map((name) => {
    const same = metrics.filter((metric) => metric.name === name);
    const values = same.map((metric) => (isDistribution(metric) ? metric.p50 : metric.value));
    const scale = scaleOf(values, same[0]!.unit);
    const ends = [...new Set([Math.min(...values), Math.max(...values)])];
    const range = ends.map((value) => formatRounded(value, scale, 4)).join(' to ');
    const what = same.some(isDistribution) ? `median ${spokenName(name)}` : spokenName(name);
    return `${what} ${range} ${scale.unit}`.trimEnd();
  });
}

const configurations = ({ entries }: ResultGroup): readonly Entry[] =>
  entries.filter(({ result }) => !isConclusion(result));

function chip({ entries }: ResultGroup): Markup {
  const verdicts = entries.map(({ result }) => result.verified);
  if (verdicts.includes(false)) return html`<span class="chip bad">verification failed</span>`;
  if (verdicts.includes(true)) return html`<span class="chip good">verified</span>`;
  return html`<span class="chip plain">nothing to verify</span>`;
}

function workloadSection(group: ResultGroup, samples: Samples, at: number): Markup {
  const name = group.workloads[0]!;
  const gloss = workloadGloss(name);
  const measured = configurations(group);
  const conclusions = group.entries.filter(({ result }) => isConclusion(result));
  const notes = new Set(group.entries.flatMap(({ result }) => result.note ?? []));
  return html`<section id="w${at}">
    <div class="head">
      <h2>${name}</h2>
      ${chip(group)}
    </div>
    ${gloss === '' ? undefined : html`<p>${gloss}</p>`}
    ${[...notes].map((note) => html`<p class="faint">${note}</p>`)}
    ${conclusions.map(({ result }) => figureList(result.metrics))}
    <div class="figures">
      ${figuresOf(group, samples, `w${at}`).map(
        ({ svg, title, caption }) =>
          html`<figure>
            <h3>${title}</h3>
            <div class="plot">${markup(svg)}</div>
            ${caption === '' ? undefined : html`<figcaption>${caption}</figcaption>`}
          </figure> `,
      )}
    </div>
    ${waterfalls(group, measured)}
    ${
      measured.length === 0
        ? undefined
        : html`<h3 class="apart">Every figure</h3>
            ${resultsTable(group)}`
    }
    <details>
      <summary>Counters and trace hashes</summary>
      ${countersTable(group.entries, (entry) => configurationOf(group, entry))}
    </details>
  </section>`;
}

/** The first configuration's waterfall in sight, the others a click away. */
function waterfalls(group: ResultGroup, measured: readonly Entry[]): Markup | undefined {
  const [first, ...others] = measured.flatMap((entry) => {
    const table = waterfallTable(entry);
    return table === undefined ? [] : [{ table, name: configurationOf(group, entry) }];
  });
  if (first === undefined) return undefined;
  return html`<h3 class="apart">Where the time of the median operation goes (${first.name})</h3>
    <p class="gloss">
      Each stage begins where the one above it ends. What overlaps is counted once, for the stage
      that the operation really waited for.
    </p>
    ${first.table}
    ${
      others.length === 0
        ? undefined
        : html`<details>
            <summary>The same for ${others.length} more</summary>
            ${others.map(
              ({ table, name }) =>
                html`<h4>${name}</h4>
                  ${table}`,
            )}
          </details>`
    }`;
}

function configurationOf({ varying, fixed }: ResultGroup, { result }: Entry): string {
  if (isConclusion(result)) return 'the comparison';
  const names = varying.length > 0 ? varying : fixed.map(([name]) => name).slice(0, 1);
  const params = names
    .filter((name) => result.params[name] !== undefined)
    .map((name) => `${spokenName(name)} ${formatParam(name, result.params[name])}`);
  return params.length === 0 ? result.workload : params.join(', ');
}

function runSection({ run, cluster }: Results): Markup {
  const facts: (readonly [string, string | undefined])[] = [
    ['seed', String(cluster.seed)],
    ['hardware profile', cluster.profile],
    ['clock', cluster.clock],
    ['hosts and cores', `${cluster.hosts} with ${cluster.cores} each`],
    ['topology', cluster.topology],
    ['largest packet payload (MTU)', `${cluster.mtu} B`],
    ['modelled system noise', cluster.noise],
    ['placement', `${run.placement}, cores as ${run.coreRuntime}`],
    ['started', run.when],
    ['start-up', `${run.start_s.toFixed(2)} s`],
    ['emulation took', `${run.wall_s.toFixed(2)} s`],
    ['events', String(run.events)],
    ['packets', String(run.packets)],
    ['pinwire', run.pinwire],
    ['Node.js', run.node],
  ];
  return html`<section>
    <h2>The run</h2>
    <dl>
      ${facts.flatMap(([term, fact]) =>
        fact === undefined
          ? []
          : html`<div>
              <dt>${term}</dt>
              <dd>${fact}</dd>
            </div> `,
      )}
    </dl>
    <p class="faint">Repeat it with</p>
    <pre>${shellCommand(run.argv, cluster.seed)}</pre>
  </section>`;
}

const KEY: readonly (readonly [string, string])[] = [
  ['median, p50', 'Half of the operations were at least this fast.'],
  [
    'p90, p99, p99.9',
    'So many percent of the operations were at least this fast; the rest is the tail.',
  ],
  ['stddev', 'Standard deviation: how far operations lie from the mean.'],
  ['ns, us, ms', 'Nanosecond, microsecond, millisecond: 1 us is 1000 ns.'],
  ['Gb/s', 'Gigabit per second: 1,000,000,000 bits of payload.'],
  ['KiB, MiB', '1024 bytes, 1024 × 1024 bytes.'],
  [
    'RDMA',
    'Remote direct memory access: NICs move data between the memories of two hosts without their kernels.',
  ],
  ['NIC', 'Network interface card.'],
  ['verified', 'The data that arrived, or the result, was compared with what it must be.'],
  ['trace hash', 'A fingerprint of every packet and its time: equal hashes, equal runs.'],
];

const keySection = (): Markup =>
  html`<section>
    <h2>Words and units</h2>
    <dl class="key">
      ${KEY.map(
        ([term, meaning]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${meaning}</dd>
          </div> `,
      )}
    </dl>
  </section>`;
