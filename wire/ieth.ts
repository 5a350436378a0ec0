/**
 * Invalidate Extended Transport Header: the key that a SEND with invalidate takes back (IBTA 9.3.7).
 *
 *   0  |                           R_Key                              |
 */
export const IETH_LENGTH = 4;

export interface Ieth {
  rkey: number;
}

export const newIeth = (): Ieth => ({ rkey: 0 });

export function parseIeth(view: DataView, at: number, into: Ieth): void {
  into.rkey = view.getUint32(at);
}

export function emitIeth(view: DataView, at: number, ieth: Readonly<Ieth>): void {
  view.setUint32(at, ieth.rkey);
}
