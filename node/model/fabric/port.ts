/**
 * A port as its element sees it: where frames leave. What is between the element and the fabric (faults, a capture, a
 * cable) is a port before another port, and keeps this one method.
 */
import type { FrameSlot } from './frame-slot.js';

export interface Port {
  /**
   * Takes over frame `slot` of the process's pool: complete, `time` the instant its head leaves the element that sends
   * it (or the one that a port before this has moved it to), `key` from the sending NIC. It never comes back.
   */
  send(slot: FrameSlot): void;
}
