/** The number of a frame in its process's {@link FramePool}. The pool hands them out; a slot of a work queue is another thing. */
import type { Brand } from '../../../units/brand.js';

export type FrameSlot = Brand<number, 'FrameSlot'>;

/** No frame: what was asked for has none, or could not be built. A frame of memory has its own, memory's NO_FRAME. */
export const NO_FRAME_SLOT = -1 as FrameSlot;
