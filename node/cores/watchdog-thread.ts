/**
 * The thread of a {@link SegmentWatchdog}: looks once a second whether the same segment still runs. A long segment is
 * reported on standard error with the program's current line; later it is ended. Both go through V8's
 * inspector, which can stop a thread that would never come to its event loop.
 */
import { writeSync } from 'node:fs';
import { Session, type Debugger, type Runtime } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { isUsersFrame, placeOf } from './user-frames.js';
import {
  endlessText,
  longText,
  TELL_MS,
  WATCHED,
  type EndlessSegment,
} from './segment-watchdog.js';

const LOOK_MS = 1000;
/** What has been done about the segment that runs. */
const TOLD = 1;
const ENDED = 2;
const STDERR = 2;
const MOST_STEPS = 20;
const shared = new Int32Array(workerData as SharedArrayBuffer);
let turn = 0;
let since = 0;
let told = 0;

setInterval(() => {
  const now = shared[WATCHED.turns]!;
  if (now !== turn || now % 2 === 0) {
    turn = now;
    since = performance.now();
    told = 0;
    return;
  }
  const elapsed = performance.now() - since;
  const limit = shared[WATCHED.limit]!;
  const ends = limit > 0 && elapsed >= limit;
  const step = ends ? ENDED : elapsed >= TELL_MS ? TOLD : 0;
  if (step <= told) return;
  told = step;
  void tell(turn, Math.floor(elapsed / 1000), ends);
}, LOOK_MS);

async function tell(segment: number, seconds: number, ends: boolean): Promise<void> {
  const whose = `host${shared[WATCHED.host]!} core ${shared[WATCHED.core]!}`;
  const stack = await stackOfMain(ends, segment);
  if (stack === undefined) return;
  const line = stack.find(isUsersFrame) ?? stack[0] ?? 'unknown';
  const message = endlessText(whose, seconds, placeOf(line));
  if (!ends) {
    writeSync(STDERR, `${longText(message, shared[WATCHED.limit]!)}\n`);
    return;
  }
  const endless: EndlessSegment = { message, stack: stack.join('\n') };
  parentPort!.postMessage(endless);
}

/**
 * The main thread's stack, a line a frame; with `ends`, what it does is ended. Undefined if it is in `segment` no more.
 */
async function stackOfMain(ends: boolean, segment: number): Promise<string[] | undefined> {
  const session = new Session();
  session.connectToMainThread();
  try {
    await post(session, 'Debugger.enable');
    let top = await stopBy(session, 'Debugger.pause');
    let stack = await stackAt(session, top);
    // It may have been between two microtasks, where no program is to be seen.
    for (let step = 0; step < MOST_STEPS && !stack.some(isUsersFrame); step++) {
      top = await stopBy(session, 'Debugger.stepInto');
      stack = await stackAt(session, top);
    }
    const isSame = shared[WATCHED.turns] === segment;
    if (isSame && ends) {
      shared[WATCHED.ended] = segment;
      const ended = post(session, 'Runtime.terminateExecution');
      await post(session, 'Debugger.resume');
      await ended;
    }
    // It goes on by itself if it is still stopped.
    await post(session, 'Debugger.disable');
    return isSame ? stack : undefined;
  } finally {
    session.disconnect();
  }
}

/** Has the main thread stop, where it is or a step further on; the innermost frame. */
async function stopBy(session: Session, method: string): Promise<string | undefined> {
  const paused = new Promise<Debugger.PausedEventDataType>((resolve) => {
    session.once('Debugger.paused', ({ params }) => {
      resolve(params);
    });
  });
  await post(session, method);
  return (await paused).callFrames[0]?.callFrameId;
}

/** As an error made there has it: with the lines of the program's source, where there is a map. */
async function stackAt(session: Session, callFrameId: string | undefined): Promise<string[]> {
  const { result } = await post<Runtime.EvaluateReturnType>(
    session,
    'Debugger.evaluateOnCallFrame',
    { callFrameId, expression: 'new Error().stack' },
  );
  return String(result.value)
    .split('\n')
    .filter((line) => line.startsWith('    at ') && !line.includes('eval at '));
}

function post<R>(session: Session, method: string, params: object = {}): Promise<R> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => {
      if (error === null) resolve(result as R);
      else reject(new Error(error.message));
    });
  });
}
