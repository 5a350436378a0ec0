/**
 * Immediate data: 4 bytes that travel to the receiver's completion, of no byte order of their own (IBTA 9.3.6).
 *
 *   0  |                       immediate data                         |
 */
export const IMM_DT_LENGTH = 4;

/** The four bytes as a big-endian number, as `imm_data` is in network order. */
export interface ImmDt {
  immediate: number;
}

export const newImmDt = (): ImmDt => ({ immediate: 0 });

export function parseImmDt(view: DataView, at: number, into: ImmDt): void {
  into.immediate = view.getUint32(at);
}

export function emitImmDt(view: DataView, at: number, immDt: Readonly<ImmDt>): void {
  view.setUint32(at, immDt.immediate);
}
