/**
 * Whether the two sides of a hand-off between threads spin before they sleep: fixed at launch by what can run here at
 * once. Spinning pays only while every thread has a processor; one host with several cores spins alone, since its
 * workers would take each other's processors.
 */
import { availableParallelism } from 'node:os';

export interface Spin {
  readonly host: number;
  readonly core: number;
}

const TURNS = 1000;

export function spinFor(processes: number, programs: number): Spin {
  const threads = processes + programs;
  if (threads <= availableParallelism()) return { host: TURNS, core: TURNS };
  if (processes === 1 && programs > 1) return { host: TURNS, core: 0 };
  return { host: 0, core: 0 };
}
