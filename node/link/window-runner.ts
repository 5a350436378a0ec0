/**
 * Runs one process of a virtual-time run: mesh, control channel, windows and simulation come together here. Sockets only
 * store and kick; everything else happens in turns from `setImmediate`, so that sockets and timers get their share
 * however long a window is.
 */
import type { WindowMember } from '../../sim/window-member.js';
import type { WindowGrant, WindowReport } from '../../sim/window.js';
import type { FramePool } from './frame-pool.js';
import type { Inbox, Receiver } from './inbox.js';
import type { Mesh, MeshOwner } from './mesh.js';
import type { RemoteLink } from './remote-link.js';

/** Wall time of one turn. */
const TURN_MS = 10;

/** How far the simulation may go. It sinks as frames are sent: read it before every event. */
export interface Bound {
  /** Events strictly before it may run. */
  readonly horizon: number;
}

/** What runs in the windows: the process's machine. */
export interface Simulation {
  /** The earliest pending event, or Infinity. */
  next(): number;
  /** The earliest commit that the pending events allow; never before {@link next}. */
  earliestCommit(): number;
  /**
   * Runs events before the bound. 'drained': none is left; 'yield': the turn is over, or a core is not yet back from
   * its program, and it wants to be called again. Rejects when the run cannot go on.
   */
  advance(bound: Bound, limit: { readonly wallMs: number }): Promise<'drained' | 'yield'>;
  /** Takes over a frame from another process, to act on at its time. */
  arrive(slot: number): void;
}

/** The way to the coordinator. */
export interface ControlChannel {
  sendReport(report: WindowReport): void;
  onGrant(callback: (grant: WindowGrant) => void): void;
}

export interface WindowRunnerParts {
  readonly simulation: Simulation;
  readonly member: WindowMember;
  readonly mesh: Mesh;
  readonly link: RemoteLink;
  readonly inbox: Inbox;
  readonly pool: FramePool;
  readonly control: ControlChannel;
  /** The run cannot go on: the message names the link, if it is a link's fault. */
  failed(error: Error): void;
}

export class WindowRunner implements MeshOwner {
  private readonly parts: WindowRunnerParts;
  private readonly bound: Bound;
  private readonly receiver: Receiver;
  private grants: WindowGrant[] = [];
  private isScheduled = false;
  /** Between the beginning of a window and its report. */
  private inWindow = false;
  /** The simulation has not answered yet. */
  private isAdvancing = false;
  private isStopped = false;

  constructor(parts: WindowRunnerParts) {
    const { member, mesh, pool, simulation } = parts;
    this.parts = parts;
    this.bound = {
      // A congested mesh holds the simulation where it is.
      get horizon() {
        return mesh.congested ? -Infinity : member.horizon;
      },
    };
    this.receiver = {
      frame: (from, slot) => {
        member.received(from, pool.time[slot]!);
        simulation.arrive(slot);
      },
      baton: (baton) => member.takeBaton(baton),
    };
  }

  /** Attaches to mesh and control channel, and says where this process starts. */
  start(): void {
    const { control, mesh } = this.parts;
    control.onGrant((grant) => {
      this.grants.push(grant);
      this.kick();
    });
    mesh.attach(this);
    if (!this.isStopped) this.closeWindow();
  }

  /** The run is over, well or not: from here on nothing is run or sent. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.parts.mesh.attach(undefined);
  }

  received(from: number, message: Uint8Array): void {
    this.parts.inbox.store(from, message);
    this.kick();
  }

  drained(): void {
    this.kick();
  }

  lost(link: string, reason: string): void {
    this.fail(new Error(`${link}: ${reason}`));
  }

  private kick(): void {
    if (this.isScheduled || this.isAdvancing || this.isStopped) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.turn();
    });
  }

  private turn(): void {
    if (this.isStopped) return;
    try {
      this.takeIn();
      if (!this.inWindow) {
        if (!this.parts.member.ready()) return;
        this.parts.member.begin();
        this.inWindow = true;
      }
      if (this.parts.mesh.congested) return;
      this.advance();
    } catch (error) {
      this.fail(error);
    }
  }

  private takeIn(): void {
    const { inbox, member } = this.parts;
    inbox.empty(this.receiver);
    const { grants } = this;
    this.grants = [];
    for (const grant of grants) member.grant(grant);
  }

  private advance(): void {
    this.isAdvancing = true;
    this.parts.simulation.advance(this.bound, { wallMs: TURN_MS }).then(
      (outcome) => {
        this.isAdvancing = false;
        if (this.isStopped) return;
        const { member, simulation } = this.parts;
        // A bound that congestion lowered is no end of the window.
        if (outcome === 'drained' && simulation.next() >= member.horizon) this.closeWindow();
        else this.kick();
      },
      (error: unknown) => {
        this.isAdvancing = false;
        this.fail(error);
      },
    );
  }

  private closeWindow(): void {
    const { control, link, member, simulation } = this.parts;
    this.inWindow = false;
    try {
      const then = member.finish(simulation.next(), simulation.earliestCommit());
      if (then.kind === 'pass') link.pass(then.to, then.baton);
      link.flush();
      if (then.kind === 'report') control.sendReport(then.report);
    } catch (error) {
      this.fail(error);
      return;
    }
    // The next grant may have come meanwhile, or the horizon moved on by itself.
    this.kick();
  }

  private fail(error: unknown): void {
    if (this.isStopped) return;
    this.stop();
    this.parts.failed(error instanceof Error ? error : new Error(String(error)));
  }
}
