/**
 * The number of a frame in its process's pool (frame-pool.ts), which hands it out. A slot of a work queue is of another
 * type: rdma/queue-slot.ts.
 */
import type { Brand } from '../../../units/brand.js';

export type FrameSlot = Brand<number, 'FrameSlot'>;

/** No frame: what was asked for has none, or could not be built. A frame of memory has its own, memory's NO_FRAME. */
export const NO_FRAME_SLOT = -1 as FrameSlot;
