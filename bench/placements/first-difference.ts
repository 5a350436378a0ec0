/** Where two values that should be the same, as JSON, begin to differ. */

export interface Difference {
  /** `[0].metrics[1].p50`; the values themselves have none. */
  readonly path: string;
  /** What is there, in JSON; `nothing` where there is nothing. */
  readonly a: string;
  readonly b: string;
}

/** The first difference in the order of `a`; undefined for two that are written alike, byte for byte. */
export function firstDifference(a: unknown, b: unknown, path = ''): Difference | undefined {
  if (!isParent(a) || !isParent(b) || Array.isArray(a) !== Array.isArray(b)) {
    const [x, y] = [json(a), json(b)];
    return x === y ? undefined : { path, a: x, b: y };
  }
  const [names, others] = [Object.keys(a), Object.keys(b)];
  for (const name of [...names, ...others.filter((each) => !names.includes(each))]) {
    const below = Array.isArray(a) ? `${path}[${name}]` : `${path}.${name}`;
    const found = firstDifference(a[name], b[name], below);
    if (found !== undefined) return found;
  }
  // The same keys, written in another order, are other bytes.
  return firstDifference(names.join(), others.join(), `keys of ${path === '' ? 'all' : path}`);
}

type Parent = Readonly<Record<string, unknown>>;

const isParent = (value: unknown): value is Parent => typeof value === 'object' && value !== null;

function json(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text ?? 'nothing';
}
