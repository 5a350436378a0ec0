/**
 * When is a run over that has no windows of virtual time? A lone process knows by itself. On the real clock a
 * process says when it is quiet, and the run is over when every program has ended, or when all are idle and no frame is
 * under way. Statements made at different times prove nothing, so two probes in a row must be answered alike.
 */
import type { Quiet } from '../../wire/control/notices.js';

export class QuietWatch {
  /** The number of the probe that is out; 0 while none is. */
  probe = 0;
  private readonly statements: (Quiet | undefined)[];
  private readonly sendProbe: (probe: number) => void;
  private answers = 0;
  private probes = 0;
  private before: string | undefined;

  constructor(processes: number, sendProbe: (probe: number) => void) {
    this.statements = new Array<Quiet | undefined>(processes).fill(undefined);
    this.sendProbe = sendProbe;
  }

  /** Takes what `process` says, unasked (probe 0) or as answer; true when the run is over. */
  said(process: number, quiet: Quiet, probe: number): boolean {
    this.statements[process] = quiet;
    if (this.statements.every((each) => each?.programsLeft === 0)) return true;
    if (this.probe === 0) {
      if (this.balanced()) this.ask();
      return this.statements.length === 1 && quiet.idle;
    }
    if (probe !== this.probe) return false;
    this.answers++;
    if (this.answers < this.statements.length) return false;
    return this.judge();
  }

  /** All answers to a probe are there. */
  private judge(): boolean {
    const frames = this.statements.map((each) => [each?.sent, each?.received]);
    const now = this.balanced() ? JSON.stringify(frames) : undefined;
    if (now !== undefined && now === this.before) return true;
    this.before = now;
    this.probe = 0;
    if (now !== undefined) this.ask();
    return false;
  }

  private ask(): void {
    if (this.statements.length === 1) return;
    this.answers = 0;
    this.probe = ++this.probes;
    this.sendProbe(this.probe);
  }

  /** Everybody is idle, and what was sent has arrived. */
  private balanced(): boolean {
    let under = 0;
    for (const each of this.statements) {
      if (each === undefined || !each.idle) return false;
      under += each.sent - each.received;
    }
    return under === 0;
  }
}
