/** TCP's sequence numbers: signed 32-bit words that wrap; comparison is modular (RFC 9293 3.4). */

export const addSequence = (sequence: number, count: number): number => (sequence + count) | 0;
/** How far `a` is ahead of `b`; negative if behind. */
export const sequenceDistance = (a: number, b: number): number => (a - b) | 0;
export const isBefore = (a: number, b: number): boolean => ((a - b) | 0) < 0;
export const isAfter = (a: number, b: number): boolean => ((a - b) | 0) > 0;
