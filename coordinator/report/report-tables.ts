/** The tables of the report: results with every parameter and figure, waterfalls, counters. */
import {
  formatFigure,
  formatParam,
  formatRounded,
  scaleOf,
  spokenName,
  type Scale,
} from './figures.js';
import { html, type Content, type Markup } from './html.js';
import { metricGloss, paramGloss } from './report-glossary.js';
import type { Entry, ResultGroup } from './result-groups.js';
import { hasFarTail, isDistribution, type Counters, type Metric } from './results.js';
import { waterfallOf } from './waterfall.js';

const FIGURES = ['count', 'min', 'p50', 'p90', 'p99', 'p99.9', 'max', 'mean', 'stddev'] as const;

/** A table of more rows scrolls in a window of its own. */
const LONG = 14;

interface Column {
  readonly heading: string;
  readonly gloss: string;
  readonly number: boolean;
  readonly cell: (entry: Entry) => string | undefined;
}

/** As many as 800 pixels hold beside the parameters; the others follow in tables of their own. */
const FIGURES_IN_A_ROW = 10;

/** Every figure of these results, one row each, with the parameters that differ; those that do not stand above. */
export function resultsTable({ entries, varying, fixed, kinds }: ResultGroup): Markup {
  const rows = entries.filter(({ concludes }) => !concludes);
  const params = varying.map((name) => paramColumn(rows, name));
  const parts = inParts(metricNames(rows).map((name) => metricColumns(rows, name)));
  return html`${
    fixed.length > 0
      ? html`<p class="faint">
          ${fixed.map(
            ([name, value], at) =>
              html`${at > 0 ? ', ' : ''}<span title="${paramGloss(name)}"
                  >${spokenName(name)} ${formatParam(name, value, kinds)}</span
                >`,
          )}
        </p>`
      : undefined
  }
  ${parts.map((part) => figuresTable(rows, [...params, ...part]))}`;
}

/** The columns of a metric stay together; one that has no room beside those before it begins another part. */
function inParts(metrics: readonly (readonly Column[])[]): Column[][] {
  const parts: Column[][] = [[]];
  for (const columns of metrics) {
    const last = parts.at(-1)!;
    if (last.length > 0 && last.length + columns.length > FIGURES_IN_A_ROW)
      parts.push([...columns]);
    else last.push(...columns);
  }
  return parts;
}

function figuresTable(rows: readonly Entry[], columns: readonly Column[]): Markup {
  return html`<div class="scroll ${rows.length > LONG ? 'tall' : ''}">
    <table>
      <thead>
        <tr>
          ${columns.map(
            ({ heading, gloss, number }) =>
              html`<th class="${number ? 'number' : ''}" title="${gloss}">${heading}</th>`,
          )}
          <th>verified</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (entry) =>
            html`<tr>
              ${columns.map(
                ({ number, cell }) =>
                  html`<td class="${number ? 'number' : ''}">${cell(entry) ?? '-'}</td>`,
              )}
              ${verdictCell(entry.result.verified)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function paramColumn(rows: readonly Entry[], name: string): Column {
  return {
    heading: spokenName(name),
    gloss: paramGloss(name),
    number: rows.every(({ result }) => typeof result.params[name] !== 'string'),
    cell: ({ result }) => formatParam(name, result.params[name], result.kinds),
  };
}

function metricColumns(rows: readonly Entry[], name: string): Column[] {
  const metrics = rows.flatMap(({ result }) => metricNamed(result.metrics, name) ?? []);
  const distribution = metrics.some(isDistribution);
  const scale = scaleOf(
    metrics.map((metric) => (isDistribution(metric) ? metric.p50 : metric.value)),
    metrics[0]!.unit,
  );
  const unit = scale.unit === '' ? '' : ` [${scale.unit}]`;
  const figures = distribution ? figuresOf(metrics) : (['value'] as const);
  return figures.map((figure) => ({
    heading:
      figure === 'value'
        ? `${spokenName(name)}${unit}`
        : `${name === 'latency' ? '' : `${spokenName(name)} `}${figure}${figure === 'count' ? '' : unit}`,
    gloss: metricGloss(name),
    number: true,
    cell: ({ result }) => {
      const metric = metricNamed(result.metrics, name);
      if (metric === undefined) return undefined;
      if (isDistribution(metric)) {
        const isMissing = figure === 'value' || (figure === 'p99.9' && !hasFarTail(metric));
        return isMissing ? undefined : shown(metric[figure], figure, scale);
      }
      return figure === 'value' ? formatFigure(metric.value, scale) : undefined;
    },
  }));
}

/** A percentile that no row has enough operations for is no column. */
const figuresOf = (metrics: readonly Metric[]): readonly (typeof FIGURES)[number][] =>
  metrics.some((metric) => isDistribution(metric) && hasFarTail(metric))
    ? FIGURES
    : FIGURES.filter((figure) => figure !== 'p99.9');

const shown = (value: number, figure: string, scale: Scale): string =>
  figure === 'count' ? String(value) : formatFigure(value, scale);

const metricNamed = (metrics: readonly Metric[], name: string): Metric | undefined =>
  metrics.find((metric) => metric.name === name);

const metricNames = (rows: readonly Entry[]): string[] => [
  ...new Set(rows.flatMap(({ result }) => result.metrics.map(({ name }) => name))),
];

const verdictCell = (verified: boolean | null): Markup =>
  verified === false
    ? html`<td class="failed">FAILED</td>`
    : html`<td>${verified === null ? '-' : 'yes'}</td>`;

/** What a comparison comes to, or any few figures: name and value. */
export function figureList(metrics: readonly Metric[]): Markup {
  return html`<dl>
    ${metrics.map((metric) => {
      const value = isDistribution(metric) ? metric.p50 : metric.value;
      const scale = scaleOf([value], metric.unit);
      const median = isDistribution(metric) ? ', median' : '';
      return html`<div>
        <dt>${spokenName(metric.name)}${median}</dt>
        <dd>${formatRounded(value, scale, 6)} ${scale.unit}</dd>
      </div>`;
    })}
  </dl>`;
}

/** Where the latency of the median operation went; undefined if the result has no stages. */
export function waterfallTable({ result }: Entry): Markup | undefined {
  const waterfall = waterfallOf(result);
  if (waterfall === undefined) return undefined;
  const { stages, total, difference, latency } = waterfall;
  const rows = stages.map(
    ({ name, gloss, ps, from, share }) =>
      html`<tr>
        <td class="stage"><code>${name}</code></td>
        <td class="gloss">${gloss}</td>
        <td class="number">${(ps / 1000).toFixed(1)}</td>
        <td class="number wide">${(share * 100).toFixed(1)} %</td>
        <td class="track">
          <div>
            <i style="margin-left:${percent(from, total)}%;width:${percent(ps, total)}%"></i>
          </div>
        </td>
      </tr> `,
  );
  const check =
    latency === undefined
      ? ''
      : difference === 0
        ? 'exactly the median latency'
        : `${difference} ps less than the median latency: another operation's`;
  return html`<div class="scroll">
    <table class="waterfall">
      <thead>
        <tr>
          <th>stage</th>
          <th class="gloss">what happens</th>
          <th class="number">ns</th>
          <th class="number wide">share</th>
          <th>from start to end</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
        <tr class="sum">
          <td>sum</td>
          <td class="gloss"></td>
          <td class="number">${(total / 1000).toFixed(1)}</td>
          <td class="wide"></td>
          <td class="check">${check}</td>
        </tr>
      </tbody>
    </table>
  </div>`;
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '0' : ((part / whole) * 100).toFixed(2);

/** Counters of each result, and the two values by which runs are compared. */
export function countersTable(rows: readonly Entry[], name: (entry: Entry) => string): Markup {
  const body: Content[] = rows.flatMap((entry) => {
    const { counters = {}, virtual_ns, trace_hash } = entry.result;
    const values: (readonly [string, string | number])[] = [
      ['virtual time', `${virtual_ns} ns`],
      ['trace hash', trace_hash],
      ...flat(counters, ''),
    ];
    return values.map(
      ([counter, value], at) =>
        html`<tr>
          <td>${at === 0 ? name(entry) : ''}</td>
          <td><code>${counter}</code></td>
          <td class="number">${value}</td>
        </tr> `,
    );
  });
  return html`<div class="scroll ${body.length > LONG ? 'tall' : ''}">
    <table>
      <thead>
        <tr>
          <th>result</th>
          <th>counter</th>
          <th class="number">value</th>
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

const flat = (counters: Counters, prefix: string): (readonly [string, number])[] =>
  Object.entries(counters).flatMap(([name, value]) =>
    typeof value === 'number'
      ? [[prefix + name, value] as const]
      : flat(value, `${prefix}${name}.`),
  );
