import { expect, test } from 'vitest';
import { Progress } from '../../../coordinator/terminal/progress.js';
import type { Terminal } from '../../../coordinator/terminal/terminal.js';

function terminal(isTerminal: boolean): { terminal: Terminal; lines: string[]; shown: string[] } {
  const [lines, shown]: [string[], string[]] = [[], []];
  return {
    terminal: {
      write: () => undefined,
      error: (line) => void lines.push(line),
      status: { isTerminal, write: (text) => void shown.push(text) },
    },
    lines,
    shown,
  };
}

const WAITS = 'micro/write-lat: waiting for hosts: 2 of 8 have joined';

test('what has to be waited for is a line where there is no terminal, and nothing else is', () => {
  const { terminal: log, lines, shown } = terminal(false);
  const progress = new Progress(log, false);
  progress.begin('launching 4 processes');
  progress.wait(WAITS);
  progress.update({ now: 1, events: 1, packets: 1 });
  progress.clear();
  expect(lines).toEqual([WAITS]);
  expect(shown).toEqual([]);
});

test('with --quiet it is not told', () => {
  const { terminal: log, lines } = terminal(false);
  new Progress(log, true).wait(WAITS);
  expect(lines).toEqual([]);
});

test('on a terminal it is the line of progress', () => {
  const { terminal: screen, lines, shown } = terminal(true);
  const progress = new Progress(screen, false);
  progress.wait(WAITS);
  progress.clear();
  expect(lines).toEqual([]);
  expect(shown[0]).toContain(WAITS);
});
