/**
 * ACK Extended Transport Header: how the responder took the request (IBTA 9.3.5, 9.7.5.2).
 *
 *   0  |   syndrome    |                     MSN                       |
 *
 *   syndrome: bit 7 reserved (0), bits 6-5 kind, bits 4-0 value
 *     00 ACK       credit count, 31 = no credit given
 *     01 RNR NAK   timer code
 *     10 reserved
 *     11 NAK       code
 */
export const AETH_LENGTH = 4;

const SYNDROME = 0;
const MSN = 1;

/** Kind of a syndrome, {@link aethKind}. A set bit 7 makes kinds of its own, 4 to 7: all of them reserved. */
export const AETH_KIND = { ACK: 0, RNR_NAK: 1, RESERVED: 2, NAK: 3 } as const;

/** An ACK that says nothing of end-to-end credits. */
export const ACK_NO_CREDIT = 0x1f;

/** NAK syndromes, whole byte (IBTA table 47). */
export const NAK = {
  PSN_SEQUENCE: 0x60,
  INVALID_REQUEST: 0x61,
  REMOTE_ACCESS: 0x62,
  REMOTE_OPERATIONAL: 0x63,
  INVALID_RD: 0x64,
} as const;

/** Microseconds that an RNR NAK's timer code asks for (IBTA table 46); code 0 is the longest. */
export const RNR_TIMER_US = [
  655360, 10, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280, 1920, 2560, 3840, 5120,
  7680, 10240, 15360, 20480, 30720, 40960, 61440, 81920, 122880, 163840, 245760, 327680, 491520,
] as const;

export interface Aeth {
  syndrome: number;
  msn: number;
}

export const newAeth = (): Aeth => ({ syndrome: 0, msn: 0 });

export function parseAeth(view: DataView, at: number, into: Aeth): void {
  into.syndrome = view.getUint8(at + SYNDROME);
  into.msn = (view.getUint8(at + MSN) << 16) | view.getUint16(at + MSN + 1);
}

export function emitAeth(view: DataView, at: number, aeth: Readonly<Aeth>): void {
  view.setUint8(at + SYNDROME, aeth.syndrome);
  view.setUint8(at + MSN, aeth.msn >>> 16);
  view.setUint16(at + MSN + 1, aeth.msn);
}

export const aethKind = (syndrome: number): number => syndrome >>> 5;
/** The low 5 bits: credit count, timer code or NAK code. */
export const aethValue = (syndrome: number): number => syndrome & 0x1f;
export const ackSyndrome = (creditCount: number): number => creditCount & 0x1f;
export const rnrNakSyndrome = (timer: number): number => 0x20 | (timer & 0x1f);
