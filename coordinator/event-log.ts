/** Where a standing cluster tells what happens to it: the methods of a structured logger that are used. */
export interface EventLog {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

/** One line per event on standard error. */
export function lineLog(error: (line: string) => void): EventLog {
  const line =
    (level: string) =>
    (fields: object, event: string): void => {
      const told = Object.entries(fields).map(([key, value]) => ` ${key}=${String(value)}`);
      error(`${new Date().toISOString()} ${level} ${event}${told.join('')}`);
    };
  return { debug: () => undefined, info: line('info'), warn: line('warn'), error: line('error') };
}
