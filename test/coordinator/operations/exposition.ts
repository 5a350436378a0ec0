/**
 * Reads Prometheus's text format as strictly as it is written (version 0.0.4): every family begins with HELP and TYPE
 * and stays together, names and labels are well formed, no series comes twice, and the buckets of histograms add up.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ExposedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const VALUE = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|\+Inf|-Inf|Nan)$/i;

/** Throws at the first line that is wrong, and says which. */
export function parseExposition(text: string): Map<string, ExposedFamily> {
  const families = new Map<string, ExposedFamily & { samples: Sample[] }>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let family: (ExposedFamily & { samples: Sample[] }) | undefined;
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const wrong = (why: string): Error => new Error(`${why}: ${line}`);
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (!NAME.test(name)) throw wrong('a bad name');
      if (kind === 'HELP') {
        if (families.has(name)) throw wrong('a family comes twice');
        if (/\\[^\\n]/.test(rest)) throw wrong('a bad escape');
        help = { name, text: rest };
      } else {
        if (help?.name !== name) throw wrong('TYPE without its HELP');
        if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) {
          throw wrong('an unknown type');
        }
        family = { name, type: rest, help: help.text, samples: [] };
        families.set(name, family);
      }
      continue;
    }
    if (line.startsWith('#')) throw wrong('a comment that is neither HELP nor TYPE');
    const sample = parseSample(line, wrong);
    const suffixes = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (family === undefined || !suffixes.some((each) => sample.name === family!.name + each)) {
      throw wrong('a sample outside its family');
    }
    const key = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw wrong('a series comes twice');
    seen.add(key);
    if (family.type === 'counter' && !(sample.value >= 0)) throw wrong('a counter below 0');
    family.samples.push(sample);
  }
  for (const each of families.values()) if (each.type === 'histogram') checkHistogram(each);
  return families;
}

function parseSample(line: string, wrong: (why: string) => Error): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw wrong('no sample');
  const name = match[1]!;
  const value = match[3]!;
  if (!NAME.test(name)) throw wrong('a bad name');
  if (!VALUE.test(value)) throw wrong('no number');
  const labels: Record<string, string> = {};
  let rest = match[2] ?? '';
  while (rest !== '') {
    const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/.exec(rest);
    if (label === null) throw wrong('a bad label');
    if (Object.hasOwn(labels, label[1]!)) throw wrong('a label comes twice');
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, each: string) =>
      each === 'n' ? '\n' : each,
    );
    rest = rest.slice(label[0].length);
  }
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) };
}

function checkHistogram({ name, samples }: ExposedFamily): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const labels = Object.entries(sample.labels).filter(([name]) => name !== 'le');
    const key = JSON.stringify(labels.sort());
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [labels, own] of series) {
    const wrong = (why: string): Error => new Error(`${name}${labels}: ${why}`);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const counts = own.filter((sample) => sample.name === `${name}_count`);
    const sums = own.filter((sample) => sample.name === `${name}_sum`);
    if (counts.length !== 1 || sums.length !== 1) throw wrong('needs one _count and one _sum');
    let bound = -Infinity;
    let below = 0;
    for (const { labels: each, value } of buckets) {
      const le = each['le'] === '+Inf' ? Infinity : Number(each['le']);
      if (!(le > bound)) throw wrong('bounds do not rise');
      if (value < below) throw wrong('buckets are not cumulative');
      bound = le;
      below = value;
    }
    if (bound !== Infinity) throw wrong('no +Inf bucket');
    if (below !== counts[0]!.value) throw wrong('+Inf is not the count');
  }
}

/** The value of one series; throws if it is not there. */
export function valueOf(
  families: ReadonlyMap<string, ExposedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  const found = family?.samples.find(
    (sample) =>
      sample.name === name &&
      Object.keys(sample.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found === undefined) throw new Error(`no ${name}${JSON.stringify(labels)}`);
  return found.value;
}
