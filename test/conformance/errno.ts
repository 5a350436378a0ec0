/** What a call that must fail is expected to fail with. */
import { expect } from 'vitest';
import { VerbsError, type Errno } from '../../node/program/verbs.js';

/** Runs `call`; the errno it throws, or undefined. What is no VerbsError is thrown on. */
export async function errnoOf(call: () => unknown): Promise<Errno | undefined> {
  try {
    await call();
  } catch (error) {
    if (error instanceof VerbsError) return error.code;
    throw error;
  }
  return undefined;
}

export async function expectErrno(errno: Errno, call: () => unknown): Promise<void> {
  expect(await errnoOf(call)).toBe(errno);
}
