/**
 * A place in the ring of a work queue: the index of an entry modulo the queue's depth. A frame's slot is of
 * another type: fabric/frame-slot.ts.
 */
import type { Brand } from '../../../units/brand.js';

export type QueueSlot = Brand<number, 'QueueSlot'>;
