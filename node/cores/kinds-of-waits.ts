/** What programs can wait for, by what it means for their core. */
import { AWAIT } from '../spec/awaits.js';

/** Waits that need nothing of the host at the core's own time: begun with the segment's end, answered from then on. */
export const BEGUN_AT_ONCE: ReadonlySet<number> = new Set([
  AWAIT.poll,
  AWAIT.busyPoll,
  AWAIT.watch,
  AWAIT.idle,
  AWAIT.busy,
]);

/** In these the core is the program's: what interrupts take of it, it has later. */
export const BUSY: ReadonlySet<number> = new Set([AWAIT.call, AWAIT.busy, AWAIT.system]);
/** In these nothing of the program wants the core. */
export const ASLEEP: ReadonlySet<number> = new Set([AWAIT.idle, AWAIT.event, AWAIT.hear]);
