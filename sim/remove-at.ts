/**
 * Removes entry `at` of a list in place, the others staying in order: `splice` makes an array of what it takes out,
 * each time.
 */
export function removeAt(entries: unknown[], at: number): void {
  const last = entries.length - 1;
  for (let i = at; i < last; i++) entries[i] = entries[i + 1];
  entries.pop();
}
