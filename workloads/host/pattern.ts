/** Bytes that tell where they belong: what message and which place in it. */

/** The bytes of message `index`. */
export function messageBytes(index: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = byteOf(index, at);
  return bytes;
}

/** How many of `bytes` are not those of message `index` from `from` on. */
export function wrongBytes(bytes: Uint8Array, index: number, from = 0): number {
  let wrong = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== byteOf(index, from + at)) wrong++;
  return wrong;
}

/** Never 0, which is what memory holds before. */
const byteOf = (index: number, at: number): number =>
  1 + ((index * 37 + at * 11 + (at >> 8) * 5 + (at >> 12) * 3) % 255);
