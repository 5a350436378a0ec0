/** Keeps a family of metrics small: sets of labels beyond a limit count together under `other`. */
import type { MetricFamily } from './metric-families.js';

type Labels = Readonly<Record<string, string>>;

/** The labels under which something is to be counted. */
export function bounded(family: MetricFamily, most: number): (labels: Labels) => Labels {
  const known = new Set<string>();
  const others = Object.fromEntries(family.labels.map((label) => [label, 'other']));
  return (labels) => {
    const key = family.labels.map((label) => labels[label]).join('\0');
    if (known.has(key)) return labels;
    // The last place is the others'.
    if (known.size >= most - 1) return others;
    known.add(key);
    return labels;
  };
}
