/** Messages with one of their fields spoilt, however deep it is. */
/** No field may be one of these, wherever it is. */
export const WRONG: readonly unknown[] = [undefined, null, NaN, -7, 'x'.repeat(2 ** 21 + 1), [[]]];

/** The paths of all fields, however deep. */
export function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [path];
  const inner = Object.entries(value).flatMap(([key, each]) => pathsOf(each, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** A copy with `wrong` in place of one field. */
export function spoilt(value: object, [key, ...rest]: readonly string[], wrong: unknown): object {
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<
    string,
    unknown
  >;
  copy[key!] = rest.length === 0 ? wrong : spoilt(copy[key!] as object, rest, wrong);
  return copy;
}
