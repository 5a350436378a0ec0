/** Where one curve begins to be cheaper than another. */

export interface CurvePoint {
  readonly size: number;
  readonly cost: number;
}

/**
 * The size at which `a` stops being the cheaper one (or begins to be), interpolated linearly between the two measured
 * sizes around it; undefined when the curves, measured at the same sizes, do not cross.
 */
export function crossover(a: readonly CurvePoint[], b: readonly CurvePoint[]): number | undefined {
  let before: { readonly size: number; readonly lead: number } | undefined;
  for (const { size, cost } of [...a].sort((x, y) => x.size - y.size)) {
    const other = b.find((point) => point.size === size);
    if (other === undefined) continue;
    const lead = other.cost - cost;
    if (before !== undefined && before.lead * lead < 0) {
      return before.size + ((size - before.size) * before.lead) / (before.lead - lead);
    }
    if (lead !== 0) before = { size, lead };
  }
  return undefined;
}
