/** A place in the ring of a work queue, which its entries come round to: index modulo depth. A slot of a frame is another thing. */
import type { Brand } from '../../../units/brand.js';

export type QueueSlot = Brand<number, 'QueueSlot'>;
