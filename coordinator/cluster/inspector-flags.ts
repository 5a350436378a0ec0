/**
 * `node --inspect-brk bin/pinwire.js ...`: programs run in host processes, so each of those gets an inspector too, on
 * the ports behind the command's own (9230, 9231, ... by default; any free one if it has port 0).
 */
const FLAG = /^(--inspect(?:-brk|-wait)?)(?:=(?:(.+):)?(\d+)?)?$/;

let opened = 0;

/**
 * What node is started with so that the next host process has an inspector, if `execArgv` gives this one an
 * inspector.
 */
export function inspectorFlags(
  execArgv: readonly string[] = process.execArgv,
  debugPort = process.debugPort,
): string[] {
  const given = execArgv.map((flag) => FLAG.exec(flag)).find((match) => match !== null);
  if (given === undefined) return [];
  const [, flag, host = '127.0.0.1', port] = given;
  return [`${flag!}=${host}:${port === '0' ? 0 : debugPort + ++opened}`];
}
