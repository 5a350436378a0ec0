/**
 * Runs one process of a run that has no windows: alone with its virtual time, or among others on the real clock.
 * Sockets store and kick, as in `window-runner.ts`; the simulation goes as far as it can, then sleeps until something
 * arrives or its next timer is due, and says when it has become quiet.
 */
import { PS_PER_MS } from '../../units/time.js';
import type { Quiet } from '../../wire/control/notices.js';
import type { FramePool } from '../model/fabric/frame-pool.js';
import type { Inbox, Receiver } from './inbox.js';
import type { Mesh, MeshOwner } from './mesh.js';
import type { RemoteLink, SendObserver } from './remote-link.js';
import type { Bound, Simulation } from './window-runner.js';

const TURN_MS = 10;
/** On the real clock a process that waits for a reply is idle for microseconds; said is only what lasts. */
const IDLE_MS = 200;
/** The event loop's timers are no better than this; nearer deadlines are met by turning. */
const TIMER_MS = 1;

export interface FreeRunnerParts {
  readonly simulation: Simulation & { readonly now: number; readonly programsLeft: number };
  /** 'real': idleness may end, by a frame; 'virtual': alone, it is the end. */
  readonly clock: 'virtual' | 'real';
  readonly pool: FramePool;
  /** Counts what leaves; the link's own observer. */
  readonly counter: FrameCounter;
  /** The others, if there are any. */
  readonly network: {
    readonly mesh: Mesh;
    readonly link: RemoteLink;
    readonly inbox: Inbox;
  } | null;
  quiet(statement: Quiet, probe: number): void;
  failed(error: Error): void;
}

/** Frames that left this process. */
export class FrameCounter implements SendObserver {
  count = 0;

  sent(): void {
    this.count++;
  }
}

/** Where a process's wall time went that asks nobody for leave, in ms. */
export class FreeCost {
  busy = 0;
  /** From the beginning to the end. */
  whole = 0;
}

export class FreeRunner implements MeshOwner {
  readonly cost = new FreeCost();
  private readonly parts: FreeRunnerParts;
  private readonly bound: Bound;
  private readonly receiver: Receiver;
  private arrivals = 0;
  private isStarted = false;
  private isScheduled = false;
  private isAdvancing = false;
  /** Kicked while the simulation was advancing. */
  private isKicked = false;
  private isStopped = false;
  private hasSaidEnded = false;
  private startedAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(parts: FreeRunnerParts) {
    const { network, simulation } = parts;
    this.parts = parts;
    this.bound = {
      get horizon() {
        return network?.mesh.congested === true ? -Infinity : Infinity;
      },
    };
    this.receiver = {
      frame: (_from, slot) => {
        this.arrivals++;
        simulation.arrive(slot);
      },
      baton: () => {
        throw new Error('a baton, but this run has no windows');
      },
    };
    // Another process may begin before this one gets its order.
    network?.mesh.attach(this);
  }

  start(): void {
    this.isStarted = true;
    this.startedAt = performance.now();
    this.kick();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    if (this.isStarted) this.cost.whole = performance.now() - this.startedAt;
    clearTimeout(this.timer);
    this.parts.network?.mesh.attach(undefined);
  }

  /** Answers the coordinator's question with how things stand. */
  probe(probe: number): void {
    this.say(!this.isKicked && !this.isAdvancing && this.isIdle(), probe);
  }

  received(from: number, message: Uint8Array): void {
    this.parts.network?.inbox.store(from, message);
    this.kick();
  }

  drained(): void {
    this.kick();
  }

  lost(link: string, reason: string): void {
    this.fail(new Error(`${link}: ${reason}`));
  }

  private isIdle(): boolean {
    return this.parts.simulation.next() === Infinity;
  }

  private say(idle: boolean, probe: number): void {
    const { counter, simulation } = this.parts;
    const { programsLeft } = simulation;
    const statement = { sent: counter.count, received: this.arrivals, idle, programsLeft };
    this.parts.quiet(statement, probe);
  }

  private kick(): void {
    this.isKicked = true;
    if (!this.isStarted || this.isScheduled || this.isAdvancing || this.isStopped) return;
    this.isScheduled = true;
    clearTimeout(this.timer);
    setImmediate(() => {
      this.isScheduled = false;
      if (!this.isStopped) this.turn();
    });
  }

  private turn(): void {
    const { network, simulation } = this.parts;
    this.isKicked = false;
    try {
      network?.inbox.empty(this.receiver);
      network?.mesh.taken();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (network?.mesh.congested === true) return;
    this.isAdvancing = true;
    const began = performance.now();
    simulation.advance(this.bound, { wallMs: TURN_MS }).then(
      (outcome) => {
        this.isAdvancing = false;
        if (this.isStopped) return;
        this.cost.busy += performance.now() - began;
        network?.link.flush();
        if (outcome === 'drained' && !this.isKicked) this.rest();
        else this.kick();
      },
      (error: unknown) => {
        this.isAdvancing = false;
        this.fail(error);
      },
    );
  }

  /** Nothing is due now. */
  private rest(): void {
    const { clock, simulation } = this.parts;
    if (simulation.programsLeft === 0 && !this.hasSaidEnded) {
      this.hasSaidEnded = true;
      this.say(this.isIdle(), 0);
    }
    const next = simulation.next();
    if (clock === 'virtual') {
      if (next === Infinity) this.say(true, 0);
      else this.kick();
      return;
    }
    if (next === Infinity) {
      this.timer = setTimeout(() => this.say(true, 0), IDLE_MS);
    } else {
      const delay = (next - simulation.now) / PS_PER_MS;
      if (delay <= TIMER_MS) this.kick();
      else this.timer = setTimeout(() => this.kick(), Math.min(delay - TIMER_MS, IDLE_MS));
    }
  }

  private fail(error: unknown): void {
    if (this.isStopped) return;
    this.stop();
    this.parts.failed(error instanceof Error ? error : new Error(String(error)));
  }
}
