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
import type { SystemCaller, SystemCalls } from '../model/kernel/system-calls.js';
import type { WatchWaiter } from '../model/memory/memory-watches.js';
import type { Nic } from '../model/nic.js';
import type { Profile } from '../spec/profile.js';
import type { CompletionQueue, CompletionWaiter } from '../model/rdma/completion-queue.js';
import type { Doorbell } from '../model/nic/doorbell.js';
import type { Mailbox } from '../program/mailbox/mailbox.js';
import { AWAIT, AWAIT_WORDS } from '../spec/awaits.js';
import { ASLEEP, BEGUN_AT_ONCE, BUSY } from './kinds-of-waits.js';

/** The kind of a core's resumption. */
const RESUME = 255;
/** The core is alone on its host's memory: the machine may begin its segment early. No other sink uses it. */
export const RESUME_ALONE = 254;
/** Its segment was begun early, and now it is its turn. */
export const BEGUN_EARLY = 253;
const AWAITS = 1;
const TIMER = 2;

/** What a core asks of the machine that runs it. */
export interface CoreSupervisor {
  /** The mailbox of a core to be. */
  mailbox(): Mailbox;
  /** It is the core's turn: run its segment, if it was not begun early, then call {@link HostCore.segmentEnded}. */
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
  readonly mailbox: Mailbox;
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

export class HostCore implements EventSink, CompletionWaiter, WatchWaiter, SystemCaller {
  readonly host: number;
  readonly index: number;
  readonly rank: number;
  readonly process: number;
  /** When the present wait began. */
  since = 0;
  readonly mailbox: Mailbox;
  /** The core's present operation is row `operationRow` of these. */
  readonly chains: ChainTable;
  readonly operationRow: number;
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
    this.mailbox = options.mailbox;
    this.chains = options.mailbox.chains;
    this.operationRow = options.mailbox.operationRow;
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

  /** What it waits for, for people: `host0 core 1 has waited in busyPoll since 12.3 us`. */
  get waitsFor(): string {
    const what = AWAIT_WORDS[this.awaits] ?? 'for something';
    const whom = this.awaits === AWAIT.hear ? ` ${this.mailbox.argument(0)}` : '';
    const since = (this.since / 1e6).toFixed(3);
    return `host${this.host} core ${this.index} has waited ${what}${whom} since ${since} us`;
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
    if (kind === BEGUN_EARLY) {
      this.options.supervisor.due(this);
      return;
    }
    const { eventTime } = this.options.scheduler;
    const later = this.interruptedUntil(eventTime);
    if (later > eventTime) {
      this.resumeAt(later);
      return;
    }
    this.options.core.programWakes(eventTime);
    this.mailbox.resume(eventTime);
    this.options.supervisor.due(this);
  }

  /** When a program due at `at` really goes on: interrupts have taken the core meanwhile, or have it still. */
  private interruptedUntil(at: number): number {
    const until = BUSY.has(this.awaits) ? at + this.stolen() : this.options.core.from(at);
    if (until === at) return at;
    const { chains, operationRow } = this;
    if (this.awaits === AWAIT.busy) chains.advance(operationRow, STAGE.compute, at);
    chains.advance(operationRow, STAGE.softirq, until);
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
    this.chains.advance(this.operationRow, STAGE.softirq, this.since);
    scheduler.at(this.since, this.sequencer.key(), this.sink, AWAITS, 0);
  }

  /** The segment is over: rings its doorbells, and begins what it awaits at the core's local time. */
  segmentEnded(): void {
    const { scheduler, nic } = this.options;
    const { mailbox } = this;
    this.segments++;
    let message = mailbox.take();
    while (message.type === 'doorbell') {
      this.ring(message);
      message = mailbox.take();
    }
    nic.watches.stored(this.chains, this.operationRow);
    this.options.calls.segmentEnded(this.index);
    this.awaits = message.awaits;
    this.since = message.time;
    this.takenBefore = this.options.core.takenBy(scheduler.now);
    if (ASLEEP.has(this.awaits)) this.options.core.programSleeps(this.since);
    if (this.since <= scheduler.now || BEGUN_AT_ONCE.has(this.awaits)) this.beginAwait();
    else scheduler.at(this.since, this.sequencer.key(), this.sink, AWAITS, 0);
  }

  private ring(doorbell: Readonly<Doorbell>): void {
    const { nic, profile } = this.options;
    let at = doorbell.time + draw(profile.pcie.postedWrite, this.random);
    // Posted writes of one core do not pass each other.
    if (at < this.lastDoorbell) at = this.lastDoorbell;
    this.lastDoorbell = at;
    nic.ring(doorbell, at, this.sequencer.key(), this.chains);
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
    if (this.awaits === AWAIT.hear) this.hear(this.mailbox.argument(0));
    else if (this.awaits === AWAIT.any) this.alternativeCame(AWAIT.hear, rank);
  }

  /** The key of this core's next event, for what it sends over the out-of-band network. */
  nextKey(): number {
    return this.sequencer.key();
  }

  private beginAwait(): void {
    const { mailbox } = this;
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
        const queue = calls.completionQueue(mailbox.argument(0));
        if (queue.hasNews(this.options.nic.parts.memory)) this.detect();
        else queue.waiters.push(this);
        break;
      }
      case AWAIT.watch:
        this.beginWatch(mailbox.argument(0), mailbox.argument(1));
        break;
      case AWAIT.idle:
      case AWAIT.busy:
        this.waiting = false;
        this.resumeAt(Math.max(now, this.since, mailbox.argument(0)));
        break;
      case AWAIT.any:
        this.beginAny();
        break;
      case AWAIT.event: {
        const queue = calls.completionQueue(mailbox.argument(0));
        if (queue.events > 0) this.completionVisible(queue);
        else queue.eventWaiters.push(this);
        break;
      }
      case AWAIT.hear:
        this.hear(mailbox.argument(0));
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

  argument(index: number): number {
    return this.mailbox.argument(index);
  }

  answerPeer(ipv4: number, port: number): void {
    this.mailbox.answerPeer(ipv4, port);
  }

  systemCallReturns(at: number, result: number): void {
    this.mailbox.answerSystemCall(result);
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
    this.chains.advance(this.operationRow, STAGE.wakeup, this.options.scheduler.now);
    this.alternativeCame(AWAIT.system, fd);
  }

  private executeCall(): void {
    const { calls, profile } = this.options;
    const { name, args } = this.mailbox.request();
    const { outcome, cost, entered } = calls.execute(this.index, name, args);
    if (!this.mailbox.answer(outcome)) throw new Error(`the answer of ${name} is too long`);
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
    const { chains: own, operationRow } = this;
    if (chains.operation(row) === 0) return;
    if (!own.mayGoOnWith(operationRow, chains.operation(row))) return;
    const same = own.operation(operationRow) === chains.operation(row);
    if (same && own.asOf(operationRow) >= chains.asOf(row)) return;
    own.copy(operationRow, chains, row);
    own.advance(operationRow, STAGE.backlog, this.since);
  }

  private beginAny(): void {
    const { mailbox } = this;
    const count = mailbox.argument(0);
    for (let index = 0; index < count; index++) {
      if (!this.isThere(index)) continue;
      if (mailbox.alternative(index) === AWAIT.watch)
        this.adoptWriter(mailbox.alternativeArgument(index, 0));
      this.takeAlternative(index);
      return;
    }
    const { calls, nic, system } = this.options;
    this.timer++;
    for (let index = 0; index < count; index++) {
      const first = mailbox.alternativeArgument(index, 0);
      if (mailbox.alternative(index) === AWAIT.busyPoll) {
        calls.completionQueue(first).waiters.push(this);
      } else if (mailbox.alternative(index) === AWAIT.watch) {
        nic.watches.add(first, mailbox.alternativeArgument(index, 1), this);
      } else if (mailbox.alternative(index) === AWAIT.system) {
        system.watch(this, first);
      } else if (mailbox.alternative(index) === AWAIT.idle) {
        const at = Math.max(first, this.since, this.options.scheduler.now);
        this.options.scheduler.at(at, this.sequencer.key(), this.sink, TIMER, this.timer);
      }
    }
    if (this.sleepsInAny(count)) this.options.core.programSleeps(this.since);
  }

  /** Whether no alternative of `any` polls memory: the core sleeps until something wakes it. */
  private sleepsInAny(count: number): boolean {
    for (let index = 0; index < count; index++) {
      const kind = this.mailbox.alternative(index);
      if (kind === AWAIT.busyPoll || kind === AWAIT.watch) return false;
      const fd = this.mailbox.alternativeArgument(index, 0);
      if (kind === AWAIT.system && this.options.system.polls(this, fd)) return false;
    }
    return true;
  }

  private isThere(index: number): boolean {
    const { calls, nic } = this.options;
    const { mailbox } = this;
    const { memory } = nic.parts;
    const first = mailbox.alternativeArgument(index, 0);
    switch (mailbox.alternative(index)) {
      case AWAIT.busyPoll:
        return calls.completionQueue(first).hasNews(memory);
      case AWAIT.watch:
        return memory.bytes[first] !== mailbox.alternativeArgument(index, 1);
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
    const { mailbox } = this;
    const count = mailbox.argument(0);
    for (let index = 0; index < count; index++) {
      if (mailbox.alternative(index) === kind && mailbox.alternativeArgument(index, 0) === first) {
        this.takeAlternative(index);
        return;
      }
    }
  }

  private takeAlternative(index: number): void {
    const { calls, nic, system } = this.options;
    const { mailbox } = this;
    nic.watches.cancel(this);
    system.cancel(this);
    this.timer++;
    const count = mailbox.argument(0);
    for (let each = 0; each < count; each++) {
      if (mailbox.alternative(each) !== AWAIT.busyPoll) continue;
      const { waiters } = calls.completionQueue(mailbox.alternativeArgument(each, 0));
      const at = waiters.indexOf(this);
      if (at >= 0) removeAt(waiters, at);
    }
    mailbox.answerAlternative(index);
    const kind = mailbox.alternative(index);
    if (kind === AWAIT.hear) this.hear(mailbox.alternativeArgument(index, 0));
    else if (kind === AWAIT.system) this.wake(draw(this.options.profile.cpu.syscall, this.random));
    else if (kind === AWAIT.idle) this.wake(0);
    else this.detect();
  }

  /** A time that `any` waits for has come, unless something else came before it. */
  private timeCame(timer: number): void {
    if (timer !== this.timer || !this.waiting || this.awaits !== AWAIT.any) return;
    const count = this.mailbox.argument(0);
    for (let index = 0; index < count; index++) {
      const due = this.mailbox.alternativeArgument(index, 0) <= this.options.scheduler.now;
      if (this.mailbox.alternative(index) === AWAIT.idle && due) {
        this.takeAlternative(index);
        return;
      }
    }
  }

  /** Hands the program the next value from rank `rank`, if there is one. */
  private hear(rank: number): void {
    const values = this.inbox.get(rank);
    if (values === undefined || values.length === 0) return;
    this.mailbox.answer(values.shift());
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
