/** The number of a physical frame: its physical address is number * 4096. */
import type { Brand } from '../../../units/brand.js';

export type FrameNumber = Brand<number, 'FrameNumber'>;

export const NO_FRAME = -1 as FrameNumber;
