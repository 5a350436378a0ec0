/** Lines that programs write name their core, and the console of the process stays its owner's. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameLines, type Speaker } from '../../../node/cores/program-console.js';

const HOST0: Speaker = { host: 0, index: 0, now: 0 };
const HOST1: Speaker = { host: 1, index: 2, now: 1_500_000 };

let own: typeof console.log;
let lines: string[];
const note = (text: unknown): void => void lines.push(String(text));

beforeEach(() => {
  own = console.log;
  lines = [];
  console.log = note;
});

afterEach(() => {
  console.log = own;
});

describe('a line', () => {
  it('names the core whose segment runs, and nobody where none does', () => {
    let speaker: Speaker | undefined = HOST1;
    const leave = nameLines(() => speaker);
    console.log('in a segment');
    speaker = undefined;
    console.log('outside');
    leave();
    expect(lines).toEqual(['[host1 core 2 +1.500 us] in a segment', 'outside']);
  });

  it('has no name where segments of two runs are open: it may be of either', () => {
    const leaves = [nameLines(() => HOST0), nameLines(() => HOST1)];
    console.log('of one of them');
    for (const leave of leaves) leave();
    expect(lines).toEqual(['of one of them']);
  });

  it('is named once where a spy, put in place since another run began, passes it on', () => {
    const first = nameLines(() => undefined);
    const before = console.log;
    console.log = (...args) => {
      lines.push('spied');
      before(...args);
    };
    const second = nameLines(() => HOST0);
    console.log('passed on');
    second();
    first();
    expect(lines).toEqual(['spied', '[host0 core 0 +0.000 us] passed on']);
  });
});

describe('the console', () => {
  it('is as it was when the last run has ended', () => {
    const leaves = [nameLines(() => HOST0), nameLines(() => HOST1)];
    expect(console.log).not.toBe(note);
    leaves[0]!();
    expect(console.log).not.toBe(note);
    leaves[1]!();
    expect(console.log).toBe(note);
  });

  it('gets its own methods back where another console has taken its place meanwhile', () => {
    const leave = nameLines(() => HOST0);
    const before = globalThis.console;
    globalThis.console = Object.create(before) as Console;
    try {
      leave();
    } finally {
      globalThis.console = before;
    }
    expect(console.log).toBe(note);
  });

  it('keeps a spy that came between two runs', () => {
    const first = nameLines(() => undefined);
    const spy = (text: unknown): void => note(text);
    console.log = spy;
    const second = nameLines(() => HOST0);
    console.log('named');
    first();
    second();
    expect(console.log).toBe(spy);
    expect(lines).toEqual(['[host0 core 0 +0.000 us] named']);
  });
});
