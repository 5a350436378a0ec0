/**
 * A histogram that is fed with counts per bucket, as processes send them: bucket 0 holds what is below a unit, bucket b
 * what is from 2^(b-1) to below 2^b units. It shows every other bound, so that a family stays readable.
 */
import { bounded } from './bounded-labels.js';
import type { MetricFamily } from './metric-families.js';

type Labels = Readonly<Record<string, string>>;

interface Series {
  readonly labels: Labels;
  readonly buckets: Float64Array;
  sum: number;
}

/** With about sixteen lines each. */
const MAX_SERIES = 64;

export class BucketHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  private readonly unit: number;
  private readonly bucketCount: number;
  private readonly series = new Map<string, Series>();
  private readonly labelsOf: (labels: Labels) => Labels;

  /** `unit` is that of the buckets, in seconds. */
  constructor(family: MetricFamily, bucketCount: number, unit: number) {
    this.name = family.name;
    this.help = family.help;
    this.unit = unit;
    this.bucketCount = bucketCount;
    this.labelsOf = bounded(family, MAX_SERIES);
  }

  /** `sum` is that of all values, in seconds. */
  add(labels: Labels, buckets: readonly number[], sum: number): void {
    const shown = this.labelsOf(labels);
    const key = Object.values(shown).join('\0');
    let series = this.series.get(key);
    if (series === undefined) {
      series = { labels: shown, buckets: new Float64Array(this.bucketCount), sum: 0 };
      this.series.set(key, series);
    }
    for (const [bucket, count] of buckets.entries()) series.buckets[bucket]! += count;
    series.sum += sum;
  }

  /** As a registry of prom-client asks for it. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    const values = [...this.series.values()].flatMap((series) => this.valuesOf(series));
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  reset(): void {
    this.series.clear();
  }

  private valuesOf({ labels, buckets, sum }: Series): object[] {
    const { name, unit, bucketCount } = this;
    const values: object[] = [];
    let below = 0;
    // The last bucket has no upper bound.
    for (let bucket = 0; bucket < bucketCount - 1; bucket++) {
      below += buckets[bucket]!;
      if (bucket % 2 === 1) continue;
      const le = Number((2 ** bucket * unit).toPrecision(6));
      values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: below });
    }
    const count = buckets.reduce((total, each) => total + each, 0);
    values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count });
    values.push({ metricName: `${name}_sum`, labels, value: sum });
    values.push({ metricName: `${name}_count`, labels, value: count });
    return values;
  }
}
