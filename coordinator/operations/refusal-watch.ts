/**
 * Tells the log of connections that were turned away: at most one line per reason in ten seconds, with how many they
 * were since the last one, so that a flood of them is none in the log.
 */
import type { EventLog } from '../terminal/event-log.js';

const LOOK_MS = 1_000;
const QUIET_MS = 10_000;

type Counts = Readonly<Record<string, number>>;

export class RefusalWatch {
  private readonly log: EventLog;
  private readonly read: () => Counts;
  private readonly timer: NodeJS.Timeout;
  /** By reason: how many have been told of, and when. */
  private readonly told = new Map<string, { readonly count: number; readonly at: number }>();

  /** `read` answers with the counts until now, by reason. */
  constructor(log: EventLog, read: () => Counts) {
    this.log = log;
    this.read = read;
    this.timer = setInterval(() => this.look(performance.now()), LOOK_MS).unref();
  }

  /** At `now` ms. */
  look(now: number): void {
    this.tell((at) => now - at >= QUIET_MS, now);
  }

  /** Tells what is left to tell. */
  close(): void {
    clearInterval(this.timer);
    this.tell(() => true, performance.now());
  }

  private tell(isDue: (at: number) => boolean, now: number): void {
    for (const [reason, count] of Object.entries(this.read())) {
      const last = this.told.get(reason) ?? { count: 0, at: -Infinity };
      if (count === last.count || !isDue(last.at)) continue;
      this.told.set(reason, { count, at: now });
      this.log.warn({ reason, count: count - last.count }, 'connections refused');
    }
  }
}
