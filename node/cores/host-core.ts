/**
 * One core as its host sees it: it is resumed at a virtual time, runs a segment somewhere (see the runtimes), and then
 * awaits something. This file decides when it goes on.
 */
import type { ChainTable } from '../../sim/chain.js';
import { draw } from '../../sim/cost.js';
import { RandomStream } from '../../sim/random.js';
import { removeAt } from '../../sim/remove-at.js';
import type { EventSink, Scheduler } from '../../sim/scheduler.js';
import { NIC_UNIT, Sequencer } from '../../sim/sequencer.js';
import { STAGE } from '../../sim/stages.js';
import type { HostCalls } from '../model/kernel/host-calls.js';
import type { KernelCore } from '../model/kernel/kernel-core.js';
import type { SystemCaller, SystemCalls } from '../program/mailbox/system-calls.js';
import type { WatchWaiter } from '../model/memory/memory-watches.js';
import type { Nic } from '../model/nic.js';
import type { Profile } from '../spec/profile.js';
import type { CompletionQueue, CompletionWaiter } from '../model/rdma/completion-queue.js';
import { DOORBELL } from '../model/nic/doorbell.js';
import { AWAIT, CELL, CorePage, OPERATION_ROW } from '../program/mailbox/core-page.js';

/** The kind of a core's resumption. */
const RESUME = 255;
/** Of a core that no other program shares its host's memory with: the machine runs several at once. No other sink uses it. */
export const RESUME_ALONE = 254;
const AWAITS = 1;
const TIMER = 2;

/** What waits for nothing that the host does at the core's own time: begun with the segment's end, answered from then on. */
const BEGUN_AT_ONCE: ReadonlySet<number> = new Set([
  AWAIT.poll,
  AWAIT.busyPoll,
  AWAIT.watch,
  AWAIT.idle,
  AWAIT.busy,
]);

/** In these the core is the program's: what interrupts take of it, it has later. */
const BUSY: ReadonlySet<number> = new Set([AWAIT.call, AWAIT.busy, AWAIT.system]);
/** In these nothing of the program wants the core. */
const ASLEEP: ReadonlySet<number> = new Set([AWAIT.idle, AWAIT.event, AWAIT.hear]);

/** What a core asks of the machine that runs it. */
export interface CoreSupervisor {
  /** The core is due: run its segment, then call {@link HostCore.segmentEnded}. */
  due(core: HostCore): void;
  ended(core: HostCore): void;
}

export interface HostCoreOptions {
  readonly host: number;
  readonly index: number;
  readonly rank: number;
  readonly process: number;
  readonly profile: Profile;
  readonly seed: number;
  readonly clock: 'virtual' | 'real';
  /** Its program runs in a worker. */
  readonly runsInWorker: boolean;
  /** No other core of the host has a program. */
  readonly alone: boolean;
  readonly scheduler: Scheduler;
  readonly nic: Nic;
  readonly calls: HostCalls;
  /** The core as its kernel has it, and that kernel's system calls. */
  readonly core: KernelCore;
  readonly system: SystemCalls;
  readonly supervisor: CoreSupervisor;
}

const WAITS = [
  'starts',
  'in a call',
  'in poll',
  'in busyPoll',
  'in watch',
  'in sleep',
  'in work',
  'in any',
  'for a completion event',
  'to hear from rank',
  'for its end',
  'for its end',
  'in a system call',
] as const;

export class HostCore implements EventSink, CompletionWaiter, WatchWaiter, SystemCaller {
  readonly host: number;
  readonly index: number;
  readonly rank: number;
  readonly process: number;
  /** When the present wait began. */
  since = 0;
  readonly page: CorePage;
  /** When its program ended; -1 while it runs. */
  endedAt = -1;
  /** Segments of its program that have ended. */
  segments = 0;
  private awaits = 0;
  /** Between an await's beginning and its end, nothing else may wake the core twice. */
  private waiting = false;
  /** What of the time that interrupts took the program has been delayed by already. */
  private takenBefore = 0;
  /** Numbers the waits in `any`: a time that belonged to an earlier one says nothing. */
  private timer = 0;
  private lastDoorbell = 0;
  private readonly inbox = new Map<number, unknown[]>();
  private readonly sink: number;
  private readonly sequencer: Sequencer;
  private readonly random: RandomStream;
  private readonly options: HostCoreOptions;

  constructor(options: HostCoreOptions) {
    this.options = options;
    const { runsInWorker, nic } = options;
    this.page = new CorePage(runsInWorker ? undefined : nic.parts.pool.chainLog);
    this.host = options.host;
    this.index = options.index;
    this.rank = options.rank;
    this.process = options.process;
    this.sink = options.scheduler.register(this);
    // Under the real clock all that is due comes before the programs, which then find more done at once.
    const unit = options.clock === 'virtual' ? options.index : NIC_UNIT;
    this.sequencer = new Sequencer(options.host, unit);
    this.random = new RandomStream(options.seed, `host${options.host}/core${options.index}/host`);
  }

  /** Begins its program at the current time. */
  start(): void {
    this.waiting = true;
    this.resumeAt(this.options.scheduler.now);
  }

  /** What it waits for, for people: `host0 core 1 waits in busyPoll since 12.3 us`. */
  get waitsFor(): string {
    const what = WAITS[this.awaits] ?? 'for something';
    const whom = this.awaits === AWAIT.hear ? ` ${this.page.get(CELL.argument0)}` : '';
    const since = (this.since / 1e6).toFixed(3);
    return `host${this.host} core ${this.index} waits ${what}${whom} since ${since} us`;
  }

  handle(kind: number, argument = 0): void {
    if (kind === AWAITS) {
      this.awaitIsDue();
      return;
    }
    if (kind === TIMER) {
      this.timeCame(argument);
      return;
    }
    const { eventTime } = this.options.scheduler;
    const later = this.interruptedUntil(eventTime);
    if (later > eventTime) {
      this.resumeAt(later);
      return;
    }
    this.options.core.programWakes(eventTime);
    this.page.set(CELL.time, eventTime);
    this.options.supervisor.due(this);
  }

  /** When a program that would go on at `at` really does: interrupts have taken the core meanwhile, or have it still. */
  private interruptedUntil(at: number): number {
    const until = BUSY.has(this.awaits) ? at + this.stolen() : this.options.core.from(at);
    if (until === at) return at;
    const { chains } = this.page;
    if (this.awaits === AWAIT.busy) chains.advance(OPERATION_ROW, STAGE.compute, at);
    chains.advance(OPERATION_ROW, STAGE.softirq, until);
    return until;
  }

  /** What interrupts have taken of the core since this was asked last. */
  private stolen(): number {
    const { taken } = this.options.core;
    const stolen = taken - this.takenBefore;
    this.takenBefore = taken;
    return stolen;
  }

  /** The core's local time at the segment's end has come, unless interrupts took some of the core meanwhile. */
  private awaitIsDue(): void {
    const { scheduler } = this.options;
    const stolen = this.stolen();
    if (stolen === 0) {
      this.beginAwait();
      return;
    }
    this.since = scheduler.now + stolen;
    this.page.chains.advance(OPERATION_ROW, STAGE.softirq, this.since);
    scheduler.at(this.since, this.sequencer.key(), this.sink, AWAITS, 0);
  }

  /** The segment is over: rings its doorbells, and begins what it awaits at the core's local time. */
  segmentEnded(): void {
    const { scheduler, nic, profile } = this.options;
    const { page } = this;
    this.segments++;
    page.takeDoorbells((kind, qpIndex, produced, time, row) => {
      let at = time + draw(profile.pcie.postedWrite, this.random);
      // Posted writes of one core do not pass each other.
      if (at < this.lastDoorbell) at = this.lastDoorbell;
      this.lastDoorbell = at;
      const key = this.sequencer.key();
      nic.ring(kind, qpIndex, produced, at, key, page.chains, kind === DOORBELL.send ? row : -1);
    });
    nic.watches.stored(page.chains, OPERATION_ROW);
    this.options.calls.segmentEnded(this.index);
    this.awaits = page.get(CELL.awaits);
    this.since = page.get(CELL.time);
    this.takenBefore = this.options.core.takenBy(scheduler.now);
    if (ASLEEP.has(this.awaits)) this.options.core.programSleeps(this.since);
    if (this.since <= scheduler.now || BEGUN_AT_ONCE.has(this.awaits)) this.beginAwait();
    else scheduler.at(this.since, this.sequencer.key(), this.sink, AWAITS, 0);
  }

  /** A CQE was written to a queue that this core polls, or an event was raised. */
  completionVisible(queue: CompletionQueue): void {
    if (!this.waiting) return;
    if (this.awaits === AWAIT.event) {
      queue.events--;
      this.wake(this.options.profile.cpu.syscall.ps);
    } else if (this.awaits === AWAIT.any) {
      this.alternativeCame(AWAIT.busyPoll, queue.number);
    } else {
      this.detect();
    }
  }

  byteChanged(address: number, chains: ChainTable, row: number): void {
    if (!this.waiting) return;
    this.adopt(chains, row);
    if (this.awaits === AWAIT.any) this.alternativeCame(AWAIT.watch, address);
    else this.detect();
  }

  /** A value from rank `rank` came over the out-of-band network. */
  told(rank: number, value: unknown): void {
    const values = this.inbox.get(rank);
    if (values === undefined) this.inbox.set(rank, [value]);
    else values.push(value);
    if (!this.waiting) return;
    if (this.awaits === AWAIT.hear) this.hear(this.page.get(CELL.argument0));
    else if (this.awaits === AWAIT.any) this.alternativeCame(AWAIT.hear, rank);
  }

  /** The key of this core's next event, for what it sends over the out-of-band network. */
  nextKey(): number {
    return this.sequencer.key();
  }

  private beginAwait(): void {
    const { page } = this;
    const { calls, scheduler, profile } = this.options;
    this.waiting = true;
    const now = scheduler.now;
    switch (this.awaits) {
      case AWAIT.call:
        this.executeCall();
        break;
      case AWAIT.poll:
        this.wake(draw(profile.cpu.poll, this.random));
        break;
      case AWAIT.busyPoll: {
        const queue = calls.completionQueue(page.get(CELL.argument0));
        if (queue.hasNews(this.options.nic.parts.memory)) this.detect();
        else queue.waiters.push(this);
        break;
      }
      case AWAIT.watch:
        this.beginWatch(page.get(CELL.argument0), page.get(CELL.argument1));
        break;
      case AWAIT.idle:
      case AWAIT.busy:
        this.waiting = false;
        this.resumeAt(Math.max(now, this.since, page.get(CELL.argument0)));
        break;
      case AWAIT.any:
        this.beginAny();
        break;
      case AWAIT.event: {
        const queue = calls.completionQueue(page.get(CELL.argument0));
        if (queue.events > 0) this.completionVisible(queue);
        else queue.eventWaiters.push(this);
        break;
      }
      case AWAIT.hear:
        this.hear(page.get(CELL.argument0));
        break;
      case AWAIT.system:
        // It begins when the core is free, so that what is left of a softirq has delayed it already.
        this.takenBefore = this.options.core.taken;
        this.options.system.call(this);
        break;
      default:
        this.waiting = false;
        this.endedAt = now;
        this.options.core.programSleeps(now);
        calls.release(this.index);
        this.options.system.release(this);
        this.options.supervisor.ended(this);
    }
  }

  /** The system call is over at `at`; its answer is on the page. */
  systemCallReturns(at: number): void {
    this.waiting = false;
    this.resumeAt(at);
  }

  /** The system call has to wait: the core is free. */
  block(at: number): void {
    this.options.core.programSleeps(at);
  }

  /** It goes on: the core is its program's again. */
  unblock(at: number): void {
    this.options.core.programWakes(at);
    this.takenBefore = this.options.core.taken;
  }

  /** What `any` waits for of descriptor `fd` is there, and so is the program, at `now`. */
  descriptorReady(fd: number, chains: ChainTable, row: number): void {
    if (!this.waiting || this.awaits !== AWAIT.any) return;
    this.adopt(chains, row);
    this.page.chains.advance(OPERATION_ROW, STAGE.wakeup, this.options.scheduler.now);
    this.alternativeCame(AWAIT.system, fd);
  }

  private executeCall(): void {
    const { calls, profile } = this.options;
    const { name, args } = this.page.readText() as { name: string; args: unknown };
    const { outcome, cost, entered } = calls.execute(this.index, name, args);
    if (!this.page.writeText(outcome)) throw new Error(`the answer of ${name} is too long`);
    this.wake((entered ? draw(profile.cpu.syscall, this.random) : 0) + cost);
  }

  private beginWatch(address: number, seen: number): void {
    const { nic } = this.options;
    if (nic.parts.memory.bytes[address] !== seen) {
      this.adoptWriter(address);
      this.detect();
    } else {
      nic.watches.add(address, seen, this);
    }
  }

  private adoptWriter(address: number): void {
    this.options.nic.watches.lastWriter(address, (chains, row) => {
      this.adopt(chains, row);
    });
  }

  /** The core's operation becomes the one that wrote what it watched, unless its own part of it came later. */
  adopt(chains: ChainTable, row: number): void {
    const own = this.page.chains;
    if (chains.operation(row) === 0) return;
    if (!own.mayGoOnWith(OPERATION_ROW, chains.operation(row))) return;
    const same = own.operation(OPERATION_ROW) === chains.operation(row);
    if (same && own.asOf(OPERATION_ROW) >= chains.asOf(row)) return;
    own.copy(OPERATION_ROW, chains, row);
    own.advance(OPERATION_ROW, STAGE.backlog, this.since);
  }

  private beginAny(): void {
    const { page } = this;
    const count = page.get(CELL.argument0);
    for (let index = 0; index < count; index++) {
      if (!this.isThere(index)) continue;
      if (page.alternative(index, 0) === AWAIT.watch) this.adoptWriter(page.alternative(index, 1));
      this.takeAlternative(index);
      return;
    }
    const { calls, nic, system } = this.options;
    this.timer++;
    for (let index = 0; index < count; index++) {
      const first = page.alternative(index, 1);
      if (page.alternative(index, 0) === AWAIT.busyPoll) {
        calls.completionQueue(first).waiters.push(this);
      } else if (page.alternative(index, 0) === AWAIT.watch) {
        nic.watches.add(first, page.alternative(index, 2), this);
      } else if (page.alternative(index, 0) === AWAIT.system) {
        system.watch(this, first);
      } else if (page.alternative(index, 0) === AWAIT.idle) {
        const at = Math.max(first, this.since, this.options.scheduler.now);
        this.options.scheduler.at(at, this.sequencer.key(), this.sink, TIMER, this.timer);
      }
    }
    if (this.sleepsInAny(count)) this.options.core.programSleeps(this.since);
  }

  /** Whether no alternative of `any` polls memory: the core sleeps until something wakes it. */
  private sleepsInAny(count: number): boolean {
    for (let index = 0; index < count; index++) {
      const kind = this.page.alternative(index, 0);
      if (kind === AWAIT.busyPoll || kind === AWAIT.watch) return false;
      if (kind === AWAIT.system && this.options.system.polls(this, this.page.alternative(index, 1)))
        return false;
    }
    return true;
  }

  private isThere(index: number): boolean {
    const { calls, nic } = this.options;
    const { page } = this;
    const { memory } = nic.parts;
    const first = page.alternative(index, 1);
    switch (page.alternative(index, 0)) {
      case AWAIT.busyPoll:
        return calls.completionQueue(first).hasNews(memory);
      case AWAIT.watch:
        return memory.bytes[first] !== page.alternative(index, 2);
      case AWAIT.system:
        return this.options.system.ready(this, first);
      case AWAIT.idle:
        return first <= this.options.scheduler.now;
      default:
        return (this.inbox.get(first)?.length ?? 0) > 0;
    }
  }

  /** What alternative (kind, first) of `any` waits for has come; nothing if it waits for no such thing. */
  private alternativeCame(kind: number, first: number): void {
    const { page } = this;
    const count = page.get(CELL.argument0);
    for (let index = 0; index < count; index++) {
      if (page.alternative(index, 0) === kind && page.alternative(index, 1) === first) {
        this.takeAlternative(index);
        return;
      }
    }
  }

  private takeAlternative(index: number): void {
    const { calls, nic, system } = this.options;
    const { page } = this;
    nic.watches.cancel(this);
    system.cancel(this);
    this.timer++;
    const count = page.get(CELL.argument0);
    for (let each = 0; each < count; each++) {
      if (page.alternative(each, 0) !== AWAIT.busyPoll) continue;
      const { waiters } = calls.completionQueue(page.alternative(each, 1));
      const at = waiters.indexOf(this);
      if (at >= 0) removeAt(waiters, at);
    }
    page.set(CELL.alternative, index);
    const kind = page.alternative(index, 0);
    if (kind === AWAIT.hear) this.hear(page.alternative(index, 1));
    else if (kind === AWAIT.system) this.wake(draw(this.options.profile.cpu.syscall, this.random));
    else if (kind === AWAIT.idle) this.wake(0);
    else this.detect();
  }

  /** A time that `any` waits for has come, unless something else came before it. */
  private timeCame(timer: number): void {
    if (timer !== this.timer || !this.waiting || this.awaits !== AWAIT.any) return;
    const count = this.page.get(CELL.argument0);
    for (let index = 0; index < count; index++) {
      const due = this.page.alternative(index, 1) <= this.options.scheduler.now;
      if (this.page.alternative(index, 0) === AWAIT.idle && due) {
        this.takeAlternative(index);
        return;
      }
    }
  }

  /** Hands the program the next value from rank `rank`, if there is one. */
  private hear(rank: number): void {
    const values = this.inbox.get(rank);
    if (values === undefined || values.length === 0) return;
    this.page.writeText(values.shift());
    this.wake(draw(this.options.profile.cpu.syscall, this.random));
  }

  /** What a polling loop waits for is there: it is seen at the loop's next look, whose phase noise draws. */
  private detect(): void {
    const { cpu } = this.options.profile;
    const phase = cpu.pollPeriod === 0 ? 0 : this.random.below(cpu.pollPeriod);
    this.wake(phase + draw(cpu.poll, this.random));
  }

  /** The core goes on `delay` from now, or from when it began to wait if that is still to come. */
  private wake(delay: number): void {
    this.waiting = false;
    const { now } = this.options.scheduler;
    this.resumeAt((now > this.since ? now : this.since) + delay);
  }

  private resumeAt(at: number): void {
    const { alone, scheduler } = this.options;
    scheduler.at(at, this.sequencer.key(), this.sink, alone ? RESUME_ALONE : RESUME, 0);
  }
}
