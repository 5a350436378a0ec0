/** Where a standing cluster tells what happens to it: the methods of a structured logger that are used. */
export interface EventLog {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}
