/** A log that nobody reads. */
import type { EventLog } from '../../../coordinator/terminal/event-log.js';

const ignore = (): void => undefined;

export const SILENT: EventLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };
