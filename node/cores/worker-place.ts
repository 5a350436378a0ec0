/**
 * Where the program of a worker's core is, while it computes and lets nobody speak to it: through V8's inspector, which
 * can stop a thread that never comes to its event loop. Asked of a worker that computes for long, and of no other.
 */
import { Session, type Debugger, type Runtime } from 'node:inspector';
import { setTimeout as pause } from 'node:timers/promises';
import { framesOf, isUsersFrame, placeOf } from './user-frames.js';

/** The name of a core's worker, for the code that stops it. */
export const CORE_NAME = Symbol.for('pinwire/core');
const NAME_OF_CORE = "globalThis[Symbol.for('pinwire/core')]";
/** A thread that is blocked does not stop; those that compute do at once. */
const PATIENCE_MS = 1500;

interface WorkerMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** `program (/home/me/x.ts:3:7)`, or undefined if the core's worker did not stop. */
export async function placeInWorker(core: string): Promise<string | undefined> {
  const session = new Session();
  session.connect();
  const workers: string[] = [];
  let found: (place: string | undefined) => void = () => undefined;
  const place = new Promise<string | undefined>((resolve) => (found = resolve));
  const send = (sessionId: string, method: string, params = {}, id = 1): void => {
    const message = JSON.stringify({ id, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  };
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
    workers.push(sessionId);
    send(sessionId, 'Debugger.enable');
    send(sessionId, 'Debugger.pause');
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
    const { id, method, params, result } = JSON.parse(message) as WorkerMessage;
    if (method === 'Debugger.paused') {
      const { callFrames } = params as Debugger.PausedEventDataType;
      const { callFrameId } = callFrames[0]!;
      const expression = `${NAME_OF_CORE} + '\\n' + new Error().stack`;
      send(sessionId, 'Debugger.evaluateOnCallFrame', { callFrameId, expression }, ANSWER);
    } else if (id === ANSWER) {
      send(sessionId, 'Debugger.resume');
      const text = String((result as Runtime.EvaluateReturnType).result.value);
      if (text.startsWith(`${core}\n`)) found(userPlace(text));
    }
  });
  try {
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return await Promise.race([place, pause(PATIENCE_MS, undefined, { ref: false })]);
  } finally {
    for (const sessionId of workers) send(sessionId, 'Debugger.disable');
    session.post('NodeWorker.disable');
    session.disconnect();
  }
}

const ANSWER = 2;

function userPlace(stack: string): string | undefined {
  const frames = framesOf(stack).filter((line) => !line.includes('eval at '));
  const frame = frames.find(isUsersFrame);
  return frame && placeOf(frame);
}
