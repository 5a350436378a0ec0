/**
 * Eight elements that send one another frames, and nothing of a network card: enough to tell whether a placement keeps
 * the order of events. Each draws from its own stream, so one event out of order changes everything after it.
 */
import { EventQueue } from '../../sim/event-queue.js';
import { RandomStream } from '../../sim/random.js';
import { Scheduler } from '../../sim/scheduler.js';
import { Sequencer } from '../../sim/sequencer.js';
import { TraceHash } from '../../sim/trace.js';

export const ELEMENTS = 8;
/** From a frame's arrival to the earliest commit it causes. */
export const REACTION = 300;
/** Kinds of event. Only ticks send frames; a local tick only changes the element's state. */
const TICK = 0;
const ARRIVAL = 1;
const LOCAL = 2;

export type Traffic = 'dense' | 'one-way' | 'ping-pong' | 'one pair' | 'fan-in' | 'sparse';
export const TRAFFICS: readonly Traffic[] = [
  'dense',
  'one-way',
  'ping-pong',
  'one pair',
  'fan-in',
  'sparse',
];

/** Least time from a commit in one element to its arrival in another; no two alike, and detours can be shorter. */
export const delay = (from: number, to: number): number =>
  1000 + 130 * from + ((from + to) % 3 === 0 ? 6000 : 0);

export interface ToyFrame {
  readonly from: number;
  readonly to: number;
  readonly arrival: number;
  readonly key: number;
  readonly value: number;
}

/** Some of the elements, on one scheduler. Frames to elements elsewhere go to `leave`. */
export class ToyProcess {
  readonly scheduler = new Scheduler();
  readonly traces = new Map<number, TraceHash>();
  frames = 0;
  private readonly sinks = new Map<number, number>();
  private readonly commits = new EventQueue();

  constructor(
    local: readonly number[],
    traffic: Traffic,
    budget: number,
    seed: number,
    leave: (frame: ToyFrame) => void,
  ) {
    for (const element of local) this.build(element, traffic, budget, seed, leave);
  }

  arrive(frame: ToyFrame): void {
    const argument = frame.from * 2 ** 32 + frame.value;
    this.scheduler.at(frame.arrival, frame.key, this.sinks.get(frame.to)!, ARRIVAL, argument);
  }

  /** The earliest commit that the pending events allow, when all before `horizon` are done. */
  earliestCommit(horizon: number): number {
    while (this.commits.peek() < horizon) this.commits.pop();
    return Math.min(this.commits.peek(), this.scheduler.next() + REACTION);
  }

  private build(
    element: number,
    traffic: Traffic,
    budget: number,
    seed: number,
    leave: (frame: ToyFrame) => void,
  ): void {
    const { scheduler } = this;
    const random = new RandomStream(seed, `element ${element}`);
    const sequencer = new Sequencer(element, 0);
    const trace = new TraceHash();
    this.traces.set(element, trace);
    let left = budget;

    const send = (to: number): void => {
      const arrival = scheduler.now + delay(element, to) + random.below(400);
      const frame = { from: element, to, arrival, key: sequencer.key(), value: random.word() };
      this.frames++;
      left--;
      if (this.sinks.has(to)) this.arrive(frame);
      else leave(frame);
    };
    const tick = (after: number, to: number): void => {
      const at = scheduler.now + after;
      const key = sequencer.key();
      scheduler.at(at, key, sink, TICK, to);
      this.commits.push(at, key, 0, 0, 0);
    };
    const again = (): void => {
      const gap = traffic === 'sparse' ? 400_000 : 4_000;
      if (left > 0) tick(1 + Math.floor(random.exponential(gap)), target(traffic, element, random));
    };
    const sink = scheduler.register({
      handle: (kind, argument) => {
        trace.frames++;
        trace.word(kind);
        trace.number(scheduler.now);
        trace.number(argument);
        if (kind === TICK) {
          send(argument % ELEMENTS);
          // A tick of the element's own, not an answer: it arms the next.
          if (argument < ELEMENTS) again();
          if (traffic !== 'sparse') return;
          for (let i = 1; i <= 12; i++) {
            scheduler.at(scheduler.now + i * 500, sequencer.key(), sink, LOCAL, random.below(9));
          }
        } else if (kind === ARRIVAL && left > 0 && random.unit() < answers(traffic)) {
          // Of sparse traffic half the answers go on to a third element, so that detours matter.
          const goesOn = traffic === 'sparse' && random.below(2) === 0;
          const to = goesOn ? target(traffic, element, random) : Math.floor(argument / 2 ** 32);
          tick(REACTION + random.below(200), ELEMENTS + to);
        }
      },
    });
    this.sinks.set(element, sink);
    if (starts(traffic, element)) tick(random.below(5_000), target(traffic, element, random));
  }
}

const paired = (traffic: Traffic): boolean => traffic === 'ping-pong' || traffic === 'one pair';

function starts(traffic: Traffic, element: number): boolean {
  if (traffic === 'one pair') return element === 0;
  if (traffic === 'one-way') return element < ELEMENTS / 2;
  return traffic !== 'fan-in' || element > 0;
}

/** Whom a tick's frame is for; of paired traffic only the answers keep going, so those add ELEMENTS. */
function target(traffic: Traffic, element: number, random: RandomStream): number {
  if (paired(traffic)) return ELEMENTS + (ELEMENTS - 1 - element);
  if (traffic === 'one-way') return ELEMENTS / 2 + (element % (ELEMENTS / 2));
  if (traffic === 'fan-in') return 0;
  return (element + 1 + random.below(ELEMENTS - 1)) % ELEMENTS;
}

/** How likely an element is to answer a frame. */
function answers(traffic: Traffic): number {
  switch (traffic) {
    case 'ping-pong':
    case 'one pair':
      return 1;
    case 'one-way':
      return 0;
    case 'dense':
      return 0.25;
    case 'fan-in':
      return 0.5;
    case 'sparse':
      return 0.75;
  }
}

/** The run in one process: what every placement must reproduce. */
export function embeddedRun(traffic: Traffic, budget: number, seed: number): ToyProcess {
  const all = Array.from({ length: ELEMENTS }, (_, element) => element);
  const whole = new ToyProcess(all, traffic, budget, seed, (frame) => {
    throw new Error(`a frame left for ${frame.to}`);
  });
  while (whole.scheduler.next() < Infinity) whole.scheduler.step();
  return whole;
}
