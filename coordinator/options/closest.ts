/**
 * The known word that is closest to a wrong one: the same last part in another group, else the fewest edits; undefined
 * if none is near.
 */
export function closest(word: string, known: Iterable<string>): string | undefined {
  const last = word.slice(word.lastIndexOf('.') + 1);
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    if (candidate.includes('.') && candidate.slice(candidate.lastIndexOf('.') + 1) === last) {
      return candidate;
    }
    const distance = edits(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(change, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[b.length]!;
}
