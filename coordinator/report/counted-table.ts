/** What programs counted with `core.count`, for a terminal: under the table of the results that it belongs to. */
import { formatParam, plainText, spokenName } from './figures.js';
import type { ResultGroup } from './result-groups.js';
import { layOut, type Column } from './text-columns.js';

/** With more hosts only their sum is printed. */
const HOSTS = 4;
/** More counters are left to the results file. */
const COUNTERS = 12;
/** The same, where each counter is a column. */
const COLUMNS = 6;

/** Its lines; none where nothing was counted. */
export function countedTable({ entries, varying, kinds }: ResultGroup): string[] {
  const names = [...new Set(entries.flatMap(({ result }) => [...(result.counted?.keys() ?? [])]))];
  if (names.length === 0) return [];
  names.sort();
  const rows = entries.filter(({ concludes }) => !concludes);
  const shown = names.slice(0, rows.length === 1 ? COUNTERS : COLUMNS);
  const left = names.length - shown.length;
  const more = left === 0 ? [] : [`  ${left} more counters are in the results file`];
  if (rows.length === 1) return [...layOut(byHost(shown, rows[0]!.result.counted!)), ...more];
  const params = varying.map((name): Column => ({
    heading: spokenName(name),
    align: 'left',
    cells: rows.map(({ result }) => formatParam(name, result.params[name], kinds)),
  }));
  const workloads = new Set(rows.map(({ result }) => result.workload)).size;
  const workload: Column = {
    heading: 'workload',
    align: 'left',
    cells: rows.map(({ result }) => plainText(result.workload)),
  };
  const counts = shown.map((name) =>
    right(
      plainText(name),
      rows.map(({ result }) => text(sum(result.counted?.get(name)))),
    ),
  );
  return [...layOut([...(workloads > 1 ? [workload] : []), ...params, ...counts]), ...more];
}

/** A row for each counter, and a column for each host that counted, where they are few. */
function byHost(
  names: readonly string[],
  counted: ReadonlyMap<string, ReadonlyMap<number, number>>,
): Column[] {
  const hosts = [...new Set(names.flatMap((name) => [...counted.get(name)!.keys()]))];
  hosts.sort((a, b) => a - b);
  const columns = hosts.map((host) =>
    right(
      `host${host}`,
      names.map((name) => text(counted.get(name)!.get(host))),
    ),
  );
  const total = right(
    'all hosts',
    names.map((name) => text(sum(counted.get(name)))),
  );
  return [
    { heading: 'counted', align: 'left', cells: names.map(plainText) },
    ...(hosts.length <= HOSTS ? columns : []),
    ...(hosts.length === 1 ? [] : [total]),
  ];
}

const right = (heading: string, cells: readonly string[]): Column => ({
  heading,
  align: 'right',
  cells,
});

const sum = (byHost: ReadonlyMap<number, number> | undefined): number | undefined =>
  byHost === undefined ? undefined : [...byHost.values()].reduce((total, each) => total + each, 0);

/** Sums of fractions without the digits that adding them up has brought. */
const text = (count: number | undefined): string =>
  count === undefined ? '-' : String(Number(count.toPrecision(12)));
