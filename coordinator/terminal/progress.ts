/**
 * Progress on a terminal: one line on standard error, overwritten in place. It says what runs, how far virtual time has
 * come and how fast packets go; when standard error is no terminal it says only what has to be waited for.
 */
import { formatDuration } from '../../units/time.js';
import type { RunProgress } from '../run/run.js';
import type { Terminal } from './terminal.js';

/** Not more often than a person can read. */
const LEAST_INTERVAL_MS = 100;
const TICK_MS = 500;
const ERASE = '\r\u001b[K';

export class Progress {
  private readonly status: Terminal['status'] | undefined;
  private readonly isQuiet: boolean;
  private readonly error: Terminal['error'];
  private what = '';
  private since = 0;
  private shownAt = 0;
  private last: RunProgress | undefined;
  private ticker: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal, isQuiet: boolean) {
    this.isQuiet = isQuiet;
    this.error = (line) => terminal.error(line);
    this.status = terminal.status.isTerminal && !isQuiet ? terminal.status : undefined;
  }

  /** From now on this goes on: `launching 4 processes`, `micro/write-lat, configuration 3 of 24`. */
  begin(what: string): void {
    this.what = what;
    this.last = undefined;
    this.since = performance.now();
    this.show();
    if (this.status !== undefined) this.ticker ??= setInterval(() => this.show(), TICK_MS).unref();
  }

  /** As {@link begin}; also written without a terminal, so that a log shows why nothing happens. */
  wait(what: string): void {
    if (this.status === undefined && !this.isQuiet) this.error(what);
    this.begin(what);
  }

  update(progress: RunProgress): void {
    this.last = progress;
    if (performance.now() - this.shownAt >= LEAST_INTERVAL_MS) this.show();
  }

  /** Takes the line away, so that other text can be written. */
  clear(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
    this.status?.write(ERASE);
  }

  private show(): void {
    this.shownAt = performance.now();
    const seconds = (this.shownAt - this.since) / 1000;
    const parts = [this.what, `${seconds.toFixed(1)} s`];
    if (this.last !== undefined) {
      const { now, packets } = this.last;
      const rate = seconds > 0 ? packets / seconds : 0;
      parts.push(`at ${formatDuration(now)}`, `${packets} packets`, `${rounded(rate)} packets/s`);
    }
    this.status?.write(`${ERASE}${parts.join(', ')}`);
  }
}

const rounded = (rate: number): string =>
  rate >= 1000 ? `${(rate / 1000).toFixed(1)} k` : rate.toFixed(0);
