/**
 * Running one segment of a program, in whichever thread it lives: resume it, let its promises turn, and come back when
 * it awaits the emulator again. A program that awaits anything else never does; it is reported instead of hanging the
 * host.
 */
import { CONTROL } from '../program/mailbox/core-page.js';
import { AWAIT } from '../spec/awaits.js';
import { allowGlobals, banGlobals } from './guards.js';
import type { ProgramCore } from '../program/program-core.js';
import { unsendable } from '../program/sendable.js';
import type { ProgramPort } from '../program/program-port.js';
import { SegmentError } from '../program/segment-error.js';

/** Turns of the microtask queue in which a segment must end or check in: one that awaits its own promises takes few. */
const MAX_TURNS = 1_000_000;

/** Awaiting it lets the microtasks that are queued run. */
const TURN = Promise.resolve();

/** Where it awaits it, nobody can tell; where it last called its host, its port knows. */
export const foreignAwait = (port: ProgramPort): SegmentError =>
  port.afterLastAwait(
    'the program awaits something outside the emulator (a timer, a socket, a promise that never settles): ' +
      'await only calls of its core',
  );

export async function runSegment(core: ProgramCore): Promise<void> {
  banGlobals();
  try {
    core.port.resume();
    const { control } = core.port.page;
    let turns = 0;
    let checkIns = control[CONTROL.checkIns];
    while (core.port.running) {
      await TURN;
      if (++turns < MAX_TURNS) continue;
      if (control[CONTROL.checkIns] === checkIns) throw foreignAwait(core.port);
      checkIns = control[CONTROL.checkIns];
      turns = 0;
    }
    if (core.port.lingers) await core.port.linger();
  } finally {
    allowGlobals();
  }
}

/** Starts `program`: its first segment begins when the core is first resumed. */
export function startProgram(
  core: ProgramCore,
  program: () => Promise<unknown>,
  done: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  const begun = new Promise<void>((resolve) => {
    core.port.expectResume(resolve);
  });
  const fail = (error: unknown): void => {
    failed(error);
    core.port.end(AWAIT.fail);
  };
  void begun.then(program).then((value) => {
    const problem = unsendable(value, 'returned');
    if (problem === undefined) {
      done(value);
      core.port.end(AWAIT.exit);
    } else {
      fail(
        new SegmentError(`the program returned a value that cannot be sent as data: ${problem}`),
      );
    }
  }, fail);
}
