/** What the configurations of `host/rss` say beside each other: how many times the rate of one queue each way has. */
import type { ConfigurationResult, Metric, Summary } from '../authoring/workload.js';
import type { RssParameters } from './rss-parameters.js';

type Measured = ConfigurationResult<RssParameters>;

const valueOf = ({ summary }: Measured, name: string): number => {
  const metric = summary.metrics.find((each) => each.name === name);
  return metric !== undefined && 'value' in metric ? metric.value : NaN;
};

/** Of the most queues, and of each steering the fastest; nothing without two configurations to compare. */
export function compareRss(results: readonly Measured[]): Summary | undefined {
  if (results.length < 2) return undefined;
  const most = Math.max(...results.map(({ params }) => params.queues));
  const best = (...wanted: readonly (readonly ['steering' | 'table', string])[]): number =>
    Math.max(
      ...results
        .filter(
          ({ params }) =>
            params.queues === most && wanted.every(([name, value]) => params[name] === value),
        )
        .map((each) => valueOf(each, 'rate')),
    );
  const ratio = (name: string, above: number, below: number): Metric[] => {
    const value = above / below;
    return Number.isFinite(value) && value > 0 ? [{ name, unit: '', value }] : [];
  };
  const rateOf = (steering: string): number => best(['steering', steering], ['table', 'equal']);
  const tableRate = (table: string): number => best(['steering', 'rss'], ['table', table]);
  const metrics = [
    ...ratio('speedup_rss', rateOf('rss'), rateOf('single')),
    ...ratio('speedup_spray', rateOf('spray'), rateOf('single')),
    ...ratio('speedup_rfs', rateOf('rfs'), rateOf('single')),
    ...ratio('skewed_of_equal', tableRate('skewed'), tableRate('equal')),
    ...ratio('repaired_of_equal', tableRate('repaired'), tableRate('equal')),
  ];
  if (metrics.length === 0) return undefined;
  const verified = results.every(({ summary }) => summary.verified === true);
  return { verified, metrics };
}
