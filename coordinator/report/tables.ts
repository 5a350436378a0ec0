/** `--format table`: results as aligned columns for a terminal. */
import {
  formatFigure,
  formatParam,
  plainText,
  scaleOf,
  spokenName,
  type Scale,
} from './figures.js';
import { countedTable } from './counted-table.js';
import { groupByFigures, type Entry, type ResultGroup } from './result-groups.js';
import { hasFarTail, isDistribution, type Metric, type WorkloadResult } from './results.js';
import { layOut, type Column } from './text-columns.js';

const LATENCY_FIGURES = ['min', 'p50', 'p99', 'p99.9', 'max'] as const;
/** Where a table has several distributions, these say most. */
const SHORT_FIGURES = ['p50', 'p99', 'p99.9'] as const;
/** A comparison of more rows than this is printed as a grid, one column per configuration. */
const LONG = 16;

/** One table per workload and set of figures, with the parameters that differ as columns. */
export function formatTables(results: readonly WorkloadResult[]): string {
  return groupByFigures(results)
    .map((group) =>
      [title(group), ...body(group), ...countedLines(group), ...notes(group)].join('\n'),
    )
    .join('\n\n')
    .concat(results.length === 0 ? '' : '\n');
}

function title({ workloads, fixed, varying, entries, kinds }: ResultGroup): string {
  const name = workloads.map(plainText).join(', ');
  if (entries.every(({ concludes }) => concludes)) return `${name}: overall`;
  // `size` heads a column even where there is only one.
  const rest = fixed.filter(
    ([param, value]) => value !== '' && (param !== 'size' || varying.length > 0),
  );
  const params = rest.map(
    ([param, value]) => `${spokenName(param)} ${formatParam(param, value, kinds)}`,
  );
  return params.length === 0 ? name : `${name}  (${params.join(', ')})`;
}

function body(group: ResultGroup): string[] {
  return layOut(grid(group) ?? rows(group));
}

function rows({ entries, workloads, varying, fixed, kinds }: ResultGroup): Column[] {
  const columns: Column[] = [];
  const left = (heading: string, cell: (entry: Entry) => string): void => {
    columns.push({ heading, align: 'left', cells: entries.map(cell) });
  };
  const lone = varying.length === 0 && fixed.some(([name]) => name === 'size') ? ['size'] : [];
  if (workloads.length > 1) left('workload', ({ result }) => plainText(result.workload));
  for (const name of [...varying, ...lone]) {
    const cells = entries.map(({ result }) => formatParam(name, result.params[name], kinds));
    const align = entries.some(({ result }) => typeof result.params[name] === 'string')
      ? 'left'
      : 'right';
    columns.push({ heading: spokenName(name), align, cells });
  }
  columns.push(...figureColumns(entries.map(({ result }) => result.metrics)));
  left('verified', ({ result }) => mark(result.verified));
  return columns;
}

/** The columns of metrics that every row has alike. */
function figureColumns(metricsOfRows: readonly (readonly Metric[])[]): Column[] {
  const first = metricsOfRows[0]!;
  const distributions = first.filter(isDistribution).length;
  return first.flatMap((metric, at) => {
    const metrics = metricsOfRows.map((row) => row[at]!);
    if (!isDistribution(metric)) {
      const values = metrics.map((each) => (isDistribution(each) ? each.p50 : each.value));
      const scale = scaleOf(values, metric.unit);
      return [figureColumn(spokenName(metric.name), values, scale)];
    }
    const each = metrics.filter(isDistribution);
    const lone = distributions === 1 && first.length === 1;
    const figures = (lone ? LATENCY_FIGURES : SHORT_FIGURES).filter(
      (figure) => figure !== 'p99.9' || each.some(hasFarTail),
    );
    const scale = scaleOf(
      each.map(({ p50 }) => p50),
      metric.unit,
    );
    const prefix = lone && metric.name === 'latency' ? '' : `${spokenName(metric.name)} `;
    return [
      ...(lone ? [count(each.map((distribution) => distribution.count))] : []),
      ...figures.map((figure) =>
        figureColumn(
          `${prefix}${figure}`,
          each.map((distribution) =>
            figure === 'p99.9' && !hasFarTail(distribution) ? undefined : distribution[figure],
          ),
          scale,
        ),
      ),
    ];
  });
}

const count = (counts: readonly number[]): Column => ({
  heading: 'count',
  align: 'right',
  cells: counts.map(String),
});

const figureColumn = (
  heading: string,
  values: readonly (number | undefined)[],
  scale: Scale,
): Column => ({
  heading: scale.unit === '' ? heading : `${heading} [${plainText(scale.unit)}]`,
  align: 'right',
  cells: values.map((value) => (value === undefined ? '-' : formatFigure(value, scale))),
});

/** A long comparison of one figure over sizes: sizes down, configurations across. */
function grid({ entries, varying, workloads, kinds }: ResultGroup): Column[] | undefined {
  const [across, down] = varying;
  const metric = entries[0]!.result.metrics[0];
  if (entries.length <= LONG || workloads.length > 1 || varying.length !== 2) return undefined;
  if (across === undefined || down === undefined || metric === undefined) return undefined;
  if (entries.some(({ result }) => result.metrics.length !== 1)) return undefined;
  const at = (result: WorkloadResult): string =>
    JSON.stringify([result.params[across], result.params[down]]);
  const byCell = new Map(entries.map(({ result }) => [at(result), result]));
  if (byCell.size !== entries.length) return undefined;
  const distinct = (name: string): (string | number | boolean)[] => [
    ...new Set(entries.flatMap(({ result }) => result.params[name] ?? [])),
  ];
  const figureOf = (result: WorkloadResult): number => {
    const only = result.metrics[0]!;
    return isDistribution(only) ? only.p50 : only.value;
  };
  const scale = scaleOf(
    entries.map(({ result }) => figureOf(result)),
    metric.unit,
  );
  const what = isDistribution(metric)
    ? `median ${spokenName(metric.name)}`
    : spokenName(metric.name);
  const sizes = distinct(down);
  return [
    {
      heading: `${spokenName(down)} \\ ${what} [${scale.unit}]`,
      align: 'right',
      cells: sizes.map((size) => formatParam(down, size, kinds)),
    },
    ...distinct(across).map((configuration): Column => ({
      heading: formatParam(across, configuration, kinds),
      align: 'right',
      cells: sizes.map((size) => {
        const result = byCell.get(JSON.stringify([configuration, size]));
        if (result === undefined) return '-';
        return `${formatFigure(figureOf(result), scale)}${result.verified === false ? ' FAILED' : ''}`;
      }),
    })),
    {
      heading: 'verified',
      align: 'left',
      cells: sizes.map((size) =>
        mark(
          entries
            .filter(({ result }) => result.params[down] === size)
            .map(({ result }) => result.verified)
            .reduce(worse),
        ),
      ),
    },
  ];
}

/** False if either is, else null if either is. */
const worse = (a: boolean | null, b: boolean | null): boolean | null =>
  a === false || b === false ? false : a && b;

const mark = (verified: boolean | null): string =>
  verified === null ? '-' : verified ? 'ok' : 'FAILED';

function countedLines(group: ResultGroup): string[] {
  const lines = countedTable(group);
  return lines.length === 0 ? [] : ['', ...lines];
}

function notes({ entries }: ResultGroup): string[] {
  const texts = entries.flatMap(({ result }) => (result.note === undefined ? [] : [result.note]));
  return [...new Set(texts)].map((note) => `  note: ${plainText(note)}`);
}
