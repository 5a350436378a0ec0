import { expect } from 'vitest';
import { UsageError } from '../../../coordinator/errors/usage-error.js';

/** The one line with which the operator's fault is refused. */
export function messageOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('nothing was refused');
}
