/**
 * `report.html`: a run's results as one page that needs no network, no script and no other file.
 * The same results give the same page.
 */
import { formatParam, formatRounded, scaleOf, spokenName } from './figures.js';
import { html, markup, type Markup } from './html.js';
import { workloadGloss } from './report-glossary.js';
import type { Samples } from './plot-axes.js';
import { figuresOf } from './report-plots.js';
import { pathsSection } from './report-paths.js';
import { keySection, runSection } from './report-run.js';
import { REPORT_STYLE } from './report-style.js';
import { countersTable, figureList, resultsTable, waterfallTable } from './report-tables.js';
import { groupByWorkload, type Entry, type ResultGroup } from './result-groups.js';
import { isDistribution, type Results } from './results.js';

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
          ${pathsSection(results.results)}
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

function banners({ run, cluster, results }: Results): Markup {
  const failed = results.filter(({ verified }) => verified === false);
  const workloads = [...new Set(failed.map(({ workload }) => workload))].join(', ');
  return html`${
    failed.length > 0
      ? html`<div class="banner bad" role="alert">
          <p>
            <strong>${failed.length} of ${results.length} results failed verification</strong>
            (${workloads}). These operations gave wrong results; do not use their figures.
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
  ${run.error !== undefined || results.length === 0 ? endedEarly(run.error, results.length) : undefined}`;
}

function endedEarly(error: string | undefined, results: number): Markup {
  const what =
    results === 0
      ? 'This run ended before anything was measured.'
      : 'This run ended early: the figures below were measured until then.';
  return html`<div class="banner warn">
    <p>${what}</p>
    ${error === undefined ? undefined : html`<p>${error}</p>`}
  </div>`;
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
  entries.filter(({ concludes }) => !concludes);

function chip(group: ResultGroup): Markup {
  const failed = group.entries.some(({ result }) => result.verified === false);
  const verdicts = configurations(group).map(({ result }) => result.verified);
  if (failed) return html`<span class="chip bad">verification failed</span>`;
  const verified = verdicts.filter((verdict) => verdict === true).length;
  if (verified === verdicts.length) return html`<span class="chip good">verified</span>`;
  if (verified > 0) {
    return html`<span class="chip plain">${verified} of ${verdicts.length} verified</span>`;
  }
  return html`<span class="chip plain">nothing to verify</span>`;
}

function workloadSection(group: ResultGroup, samples: Samples, at: number): Markup {
  const name = group.workloads[0]!;
  const gloss = workloadGloss(name);
  const measured = configurations(group);
  const conclusions = group.entries.filter(({ concludes }) => concludes);
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
      Each stage begins where the one above it ends. Overlapping work is counted once, for the stage
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

function configurationOf({ varying, fixed }: ResultGroup, { result, concludes }: Entry): string {
  if (concludes) return 'the comparison';
  const names = varying.length > 0 ? varying : fixed.map(([name]) => name).slice(0, 1);
  const params = names
    .filter((name) => result.params[name] !== undefined)
    .map((name) => `${spokenName(name)} ${formatParam(name, result.params[name], result.kinds)}`);
  return params.length === 0 ? result.workload : params.join(', ');
}
