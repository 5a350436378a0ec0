/** Copying a few bytes: below some length a loop is faster than the view that `set` needs. */
const SHORT = 48;

export function copyBytes(
  from: Uint8Array,
  at: number,
  to: Uint8Array,
  into: number,
  length: number,
): void {
  if (length > SHORT) to.set(from.subarray(at, at + length), into);
  else for (let i = 0; i < length; i++) to[into + i] = from[at + i]!;
}
