/**
 * What a switch does with a frame that finds others waiting at its output port. A policy that drops refuses the frame;
 * one that marks changes it and admits it; one whose ports share a buffer keeps account of that, and its `SwitchPlan`
 * says so. A pause frame would have to stop the element at the other end of an input port, which nothing here does: no
 * policy pauses.
 */
import type { FrameSlot } from './frame-slot.js';

export interface QueuePolicy {
  /** Whether frame `slot` may wait at output port `port` behind `waiting` bytes; if not, it is lost. */
  admits(slot: FrameSlot, port: number, waiting: number): boolean;
}

/** Each port has a buffer of its own of `bytes`; what does not fit is lost. */
export class TailDrop implements QueuePolicy {
  private readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  admits(_slot: FrameSlot, _port: number, waiting: number): boolean {
    return waiting <= this.bytes;
  }
}
