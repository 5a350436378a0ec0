/**
 * What drivers in user space know of physical memory: which page they found in which frame when they looked its address
 * up. Nothing tells them when that is no longer so.
 */
import type { FrameNumber } from '../memory/frame-number.js';

export const NEVER_LOOKED_UP = -1;

export class BusLookups {
  /** Pages by frame, by process. */
  private readonly found = new Map<number, Map<number, number>>();

  /** Process `process` was told that its page `page` is in `frame`. */
  note(process: number, frame: FrameNumber, page: number): void {
    const pages = this.found.get(process);
    if (pages === undefined) this.found.set(process, new Map([[frame, page]]));
    else pages.set(frame, page);
  }

  /** The page that `process` last found in `frame`. */
  pageIn(process: number, frame: FrameNumber): number {
    return this.found.get(process)?.get(frame) ?? NEVER_LOOKED_UP;
  }

  forget(process: number): void {
    this.found.delete(process);
  }
}
