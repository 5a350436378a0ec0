/** A program that broke the rules of segments: a mistake in the program, told with its line. */
export class SegmentError extends Error {
  override readonly name = 'SegmentError';
}
