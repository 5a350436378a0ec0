/**
 * Runs one process of a virtual-time run: mesh, control channel, windows and simulation come together here. Sockets
 * only store and kick; everything else happens in turns from `setImmediate`, so that sockets and timers get their share
 * however long a window is.
 */
import type { WindowMember } from '../../sim/window-member.js';
import type { WindowGrant, WindowReport } from '../../sim/window.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import type { FrameSlot } from '../model/fabric/frame-slot.js';
import type { Inbox, Receiver } from './inbox.js';
import type { Mesh, MeshOwner } from './mesh.js';
import type { RemoteLink } from './remote-link.js';
import { WindowCost } from './window-cost.js';

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
  arrive(slot: FrameSlot): void;
}

/** The way to the coordinator. */
export interface ControlChannel {
  sendReport(report: WindowReport): void;
  /** With how many ms this process's report has waited at the coordinator, `held`, and for which process. */
  onGrant(callback: (grant: WindowGrant, by: number, held: number) => void): void;
}

interface ReceivedGrant {
  readonly grant: WindowGrant;
  readonly by: number;
  readonly held: number;
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
  readonly cost: WindowCost;
  private readonly parts: WindowRunnerParts;
  private readonly bound: Bound;
  private readonly receiver: Receiver;
  private grants: ReceivedGrant[] = [];
  /** When the turn that is on began. */
  private now = 0;
  private isScheduled = false;
  /** Between the beginning of a window and its report. */
  private inWindow = false;
  /** The simulation has not answered yet. */
  private isAdvancing = false;
  private isStopped = false;

  constructor(parts: WindowRunnerParts) {
    const { member, mesh, pool, simulation } = parts;
    this.parts = parts;
    this.cost = new WindowCost(mesh.process, mesh.processes);
    this.bound = {
      // A congested mesh holds the simulation where it is.
      get horizon() {
        return mesh.congested ? -Infinity : member.horizon;
      },
    };
    this.receiver = {
      frame: (from, slot) => {
        member.received(from, pool.frames[slot]!.time);
        simulation.arrive(slot);
      },
      baton: (from, baton) => {
        member.takeBaton(baton);
        this.cost.granted(this.now, from, Infinity);
      },
    };
  }

  /** Attaches to mesh and control channel, and says where this process starts. */
  start(): void {
    const { control, mesh } = this.parts;
    control.onGrant((grant, by, held) => {
      this.grants.push({ grant, by, held });
      this.kick();
    });
    this.cost.begin(performance.now());
    mesh.attach(this);
    if (!this.isStopped) this.closeWindow();
  }

  /** The run is over, well or not: from here on nothing is run or sent. */
  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.cost.end(performance.now());
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
    const { member, mesh } = this.parts;
    const { cost } = this;
    try {
      this.now = performance.now();
      this.takeIn();
      if (!this.inWindow) {
        if (!member.ready()) {
          if (member.isGranted) cost.hindered(this.now, member.missing);
          return;
        }
        member.begin();
        this.inWindow = true;
        cost.windows++;
      }
      if (mesh.congested) {
        cost.hindered(this.now, mesh.fullest);
        return;
      }
      cost.unhindered(this.now);
      this.advance();
    } catch (error) {
      this.fail(error);
    }
  }

  private takeIn(): void {
    const { inbox, member, mesh } = this.parts;
    inbox.empty(this.receiver);
    mesh.taken();
    const { grants } = this;
    this.grants = [];
    for (const { grant, by, held } of grants) {
      member.grant(grant);
      this.cost.granted(this.now, by, held);
    }
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
      if (then.kind !== 'again') this.cost.closed(performance.now());
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
