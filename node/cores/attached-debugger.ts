/**
 * Whether this process has an inspector open. A debugger stops a program for as long as a person looks at it, so limits
 * of wall time that find programs that never go on do not apply.
 */
import { url } from 'node:inspector';

export const hasDebugger = (): boolean => url() !== undefined;
