/** Compares paths through the host for each workload that ran over several: medians in a plot and a table, stages. */
import { STAGES } from '../../sim/stages.js';
import { formatFigure, formatParam, formatRounded, scaleOf } from './figures.js';
import { html, markup, type Markup } from './html.js';
import { powersOf } from './plot-axes.js';
import { categoryPlot } from './plot.js';
import { paramGloss } from './report-glossary.js';
import { isDistribution, type WorkloadResult } from './results.js';
import { stageGloss } from './stage-glossary.js';

/** In this order, the slowest first. */
const PATHS = ['kernel', 'busy-poll', 'bypass', 'rdma'];
/** What belongs to one path alone, or tells how much was measured. */
const OF_PATHS = ['path', 'protocol', 'moderation', 'receiver', 'library', 'iterations', 'warmup'];

interface Comparison {
  readonly title: string;
  /** Under an axis. */
  readonly short: string;
  /** By the place in {@link PATHS}. */
  readonly results: readonly (WorkloadResult | undefined)[];
}

export function pathsSection(results: readonly WorkloadResult[]): Markup | undefined {
  const comparisons = comparisonsOf(results);
  if (comparisons.length === 0) return undefined;
  const shown = PATHS.filter((_, at) => comparisons.some((each) => each.results[at] !== undefined));
  return html`<section>
    <h2>The path through the host</h2>
    <p>
      The same programs by different ways to the wire. By the kernel every message costs system
      calls, copies, interrupts and waking up; a program that polls spares some of it, a network
      stack in the program spares the kernel, and RDMA leaves the protocol to the NIC.
    </p>
    ${comparisons.length < 2 ? undefined : plotOf(comparisons, shown)}
    ${mediansTable(comparisons, shown)} ${comparisons.map((each) => stagesTable(each, shown))}
  </section>`;
}

function comparisonsOf(results: readonly WorkloadResult[]): Comparison[] {
  const groups = new Map<string, WorkloadResult[]>();
  for (const result of results) {
    if (medianOf(result) === undefined || typeof result.params['path'] !== 'string') continue;
    const same = Object.entries(result.params).filter(([name]) => !OF_PATHS.includes(name));
    const key = JSON.stringify([result.workload, same]);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const chosen = new Map<string, WorkloadResult[]>();
  for (const group of groups.values()) {
    const { workload } = group[0]!;
    const before = chosen.get(workload);
    if (before === undefined || pathsIn(group) > pathsIn(before)) chosen.set(workload, group);
  }
  return [...chosen.values()].filter((group) => pathsIn(group) > 1).map(comparisonOf);
}

const pathsIn = (group: readonly WorkloadResult[]): number =>
  new Set(group.map(({ params }) => params['path'])).size;

function comparisonOf(group: readonly WorkloadResult[]): Comparison {
  const { workload, params, kinds } = group[0]!;
  const { size } = params;
  return {
    title: size === undefined ? workload : `${workload}, ${formatParam('size', size, kinds)}`,
    short: workload.slice(workload.indexOf('/') + 1),
    results: PATHS.map((path) => group.find((result) => result.params['path'] === path)),
  };
}

function medianOf(result: WorkloadResult | undefined): number | undefined {
  const metric = result?.metrics.find(({ name }) => name === 'latency');
  return metric !== undefined && isDistribution(metric) ? metric.p50 : undefined;
}

const placeOf = (path: string): number => PATHS.indexOf(path);

function plotOf(comparisons: readonly Comparison[], shown: readonly string[]): Markup {
  const medians = comparisons.flatMap(({ results }) => results.flatMap((r) => medianOf(r) ?? []));
  const svg = categoryPlot(
    {
      kind: 'bars',
      x: { title: 'workload', places: comparisons.map(({ short }) => short) },
      y: { title: 'median latency [us]', powersOf: powersOf(medians), fromZero: false },
      series: shown.map((path, colour) => ({
        name: path,
        values: comparisons.map(({ results }) => {
          const median = medianOf(results[placeOf(path)]);
          return median === undefined ? undefined : median / 1000;
        }),
        colour,
      })),
    },
    'paths',
  );
  return html`<div class="figures">
    <figure>
      <h3>Latency by path through the host</h3>
      <div class="plot">${markup(svg)}</div>
      <figcaption>The median of each workload; lower is faster.</figcaption>
    </figure>
  </div>`;
}

/** Medians, and behind each how many times RDMA's it is. */
function mediansTable(comparisons: readonly Comparison[], shown: readonly string[]): Markup {
  const scale = { unit: 'us', divisor: 1000, digits: 3 };
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>median latency [us]</th>
          ${shown.map((path) => html`<th class="number" title="${paramGloss('path')}">${path}</th>`)}
          ${shown
            .filter((path) => path !== 'rdma')
            .map((path) => html`<th class="number">${path} / rdma</th>`)}
        </tr>
      </thead>
      <tbody>
        ${comparisons.map(({ title, results }) => {
          const rdma = medianOf(results[placeOf('rdma')]);
          const medians = shown.map((path) => medianOf(results[placeOf(path)]));
          return html`<tr>
            <td>${title}</td>
            ${medians.map(
              (median) =>
                html`<td class="number">
                  ${median === undefined ? '-' : formatFigure(median, scale)}
                </td>`,
            )}
            ${shown
              .map((path, at) => [path, medians[at]] as const)
              .filter(([path]) => path !== 'rdma')
              .map(
                ([, median]) =>
                  html`<td class="number">
                    ${
                      median === undefined || rdma === undefined
                        ? '-'
                        : formatRounded(median / rdma, scaleOf([1], 'times'), 3)
                    }
                  </td>`,
              )}
          </tr> `;
        })}
      </tbody>
    </table>
  </div>`;
}

/** Where the time of each path's median operation goes. */
function stagesTable({ title, results }: Comparison, shown: readonly string[]): Markup {
  const stages = shown.map((path) => results[placeOf(path)]?.stages ?? []);
  const present = new Set(stages.flatMap((each) => each.map(({ name }) => name)));
  // As a message meets them.
  const names = STAGES.filter((name) => present.has(name));
  if (names.length === 0) return html``;
  return html`<details>
    <summary>${title}: stages side by side</summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>stage [ns]</th>
            ${shown.map((path) => html`<th class="number">${path}</th>`)}
            <th></th>
          </tr>
        </thead>
        <tbody>
          ${names.map(
            (name) =>
              html`<tr>
                <td>${name}</td>
                ${stages.map((each) => {
                  const stage = each.find((other) => other.name === name);
                  return html`<td class="number">
                    ${stage === undefined ? '-' : (stage.ps / 1000).toFixed(1)}
                  </td>`;
                })}
                <td class="faint">${stageGloss(name)}</td>
              </tr> `,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}
