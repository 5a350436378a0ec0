/**
 * `PINWIRE_DEBUG=checks`: prints on standard error which check of a responder refused which request, and with what. It
 * helps to find the reason of a NAK and changes nothing in a run.
 */
import type { RefusalListener } from '../model/rdma/engine-parts.js';

const DEBUG_VARIABLE = 'PINWIRE_DEBUG';

/** What prints the refusals of `host`; null when nobody asked for it. */
export function refusalPrinter(
  host: number,
  asked: string | undefined = process.env[DEBUG_VARIABLE],
  print: (line: string) => void = (line) => process.stderr.write(line),
): RefusalListener | null {
  if (asked?.split(',').includes('checks') !== true) return null;
  return (qp, psn, check, says) => {
    print(`host${host}: qp ${qp} psn ${psn} ${check} -> ${says}\n`);
  };
}
