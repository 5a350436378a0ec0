/** The entry of a core's worker thread: runs one program, segment by segment, until it ends. */
import { CELL, CONTROL, CorePage } from '../program/mailbox/core-page.js';
import { AWAIT } from '../spec/awaits.js';
import type { ProgramResult } from './core-runtime.js';
import { allowGlobals, banGlobals, installGuards } from './guards.js';
import { loadProgram } from './load-program.js';
import { LostRejections } from './lost-rejections.js';
import { nameLines } from './program-console.js';
import { ProgramCore } from '../program/program-core.js';
import { runSegment, startProgram } from './run-segment.js';
import { toldError, type ToldError } from './told-error.js';
import { CORE_NAME } from './worker-place.js';
import type { CoreTask } from './worker-runtime.js';

export default async function runCore(start: CoreTask): Promise<ProgramResult> {
  const { host, index } = start.identity;
  Object.assign(globalThis, { [CORE_NAME]: `host${host} core ${index}` });
  const page = new CorePage(undefined, start.page);
  const core = new ProgramCore(start.identity, page, () => {
    // The host has a thread of its own, and reads this there.
    Atomics.add(page.control, CONTROL.checkIns, 1);
    return undefined;
  });
  // What its module writes while it is loaded is of no core, here as where several cores load it together.
  let isLoaded = false;
  const leaveConsole = nameLines(() => (isLoaded ? core : undefined));
  const program = await loadProgram(start.module);
  isLoaded = true;
  if (start.identity.realStart === null) installGuards();
  const rejections = new LostRejections();
  let value: unknown;
  let failure: ToldError | null = null;
  startProgram(
    core,
    () => program(core, start.task),
    (result) => (value = result),
    (error) => (failure = toldError(error)),
  );
  Atomics.store(page.control, CONTROL.ready, 1);
  for (let seen = 0; ; seen++) {
    waitForGo(page, seen, start.spin);
    if (Atomics.load(page.control, CONTROL.over) === 1) break;
    try {
      await runSegment(core);
      if (start.computesFirst) computeMeanwhile(core);
    } catch (error) {
      failure = toldError(error);
      core.port.end(AWAIT.fail);
    }
    const awaits = page.get(CELL.awaits);
    Atomics.store(page.control, CONTROL.done, seen + 1);
    Atomics.notify(page.control, CONTROL.done);
    if (awaits === AWAIT.exit || awaits === AWAIT.fail) break;
    computeMeanwhile(core);
  }
  const { counters, port } = core;
  if (port.slip !== undefined) failure = toldError(port.slip);
  const lost = await rejections.first();
  leaveConsole();
  return { value, counters, failure, lost };
}

/**
 * The host goes on while declared arithmetic runs here: this is how cores use the machine's processors. Only with
 * faults it waits: a doubled READ may ask for memory that its owner knows to be read, and is computing in.
 */
function computeMeanwhile(core: ProgramCore): void {
  banGlobals();
  core.port.runBackground();
  allowGlobals();
}

/** Sleeps until the host has counted GO beyond `seen`: a notify may be a late one for the wait before. */
function waitForGo({ control }: CorePage, seen: number, spin: number): void {
  for (let turn = 0; turn < spin; turn++) if (Atomics.load(control, CONTROL.go) !== seen) return;
  while (Atomics.load(control, CONTROL.go) === seen) Atomics.wait(control, CONTROL.go, seen);
}
