/** The extension headers of a packet as one record, read and written by the names that the opcode table uses. */
import { emitAeth, newAeth, parseAeth, type Aeth } from './aeth.js';
import {
  emitAtomicAckEth,
  newAtomicAckEth,
  parseAtomicAckEth,
  type AtomicAckEth,
} from './atomic-ack-eth.js';
import { emitAtomicEth, newAtomicEth, parseAtomicEth, type AtomicEth } from './atomic-eth.js';
import { emitDeth, newDeth, parseDeth, type Deth } from './deth.js';
import { emitIeth, newIeth, parseIeth, type Ieth } from './ieth.js';
import { emitImmDt, newImmDt, parseImmDt, type ImmDt } from './imm-dt.js';
import type { Extension } from './opcode-table.js';
import { emitReth, newReth, parseReth, type Reth } from './reth.js';

interface EveryExtension {
  deth: Deth;
  reth: Reth;
  atomic: AtomicEth;
  aeth: Aeth;
  atomicAck: AtomicAckEth;
  immediate: ImmDt;
  ieth: Ieth;
}

/** Those that a packet has. */
export type Extensions = Partial<EveryExtension>;

/** Fills a header of the record from bytes, or writes the one that is there. */
interface Codec {
  readonly parse: (view: DataView, at: number, into: Extensions) => void;
  readonly emit: (view: DataView, at: number, from: Extensions) => void;
}

function codec<Name extends Extension>(
  name: Name,
  make: () => EveryExtension[Name],
  parse: (view: DataView, at: number, into: EveryExtension[Name]) => void,
  emit: (view: DataView, at: number, header: Readonly<EveryExtension[Name]>) => void,
): Codec {
  return {
    parse(view, at, into) {
      const header = make();
      parse(view, at, header);
      into[name] = header;
    },
    emit(view, at, from) {
      const header = from[name];
      if (header !== undefined) emit(view, at, header);
    },
  };
}

export const EXTENSION_CODEC: Readonly<Record<Extension, Codec>> = {
  deth: codec('deth', newDeth, parseDeth, emitDeth),
  reth: codec('reth', newReth, parseReth, emitReth),
  atomic: codec('atomic', newAtomicEth, parseAtomicEth, emitAtomicEth),
  aeth: codec('aeth', newAeth, parseAeth, emitAeth),
  atomicAck: codec('atomicAck', newAtomicAckEth, parseAtomicAckEth, emitAtomicAckEth),
  immediate: codec('immediate', newImmDt, parseImmDt, emitImmDt),
  ieth: codec('ieth', newIeth, parseIeth, emitIeth),
};
