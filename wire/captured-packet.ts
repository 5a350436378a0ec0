/** One packet of a capture file of either format, and the error that names where such a file is broken. */

export interface CapturedPacket {
  /** Of the capture's clock: since 1970, or since the start of a run of ours. 0 where the file has no time. */
  seconds: number;
  /** Of the second, 0 to 10^12 - 1. */
  picoseconds: number;
  /** LINKTYPE number. */
  linkType: number;
  interfaceName: string | undefined;
  /** The packet's length on the wire; what the file holds may be less. */
  wireLength: number;
  /** A view into the file. */
  bytes: Uint8Array;
}

/** A file that is no capture, or breaks off or lies about its lengths at `offset`. */
export class BrokenCapture extends Error {
  readonly offset: number;
  /**
   * The file ends inside the record at {@link offset}, as after an interrupted copy; all records before it are whole.
   */
  readonly isCut: boolean;

  constructor(offset: number, what: string, isCut = false) {
    super(`byte ${offset}: ${what}`);
    this.name = 'BrokenCapture';
    this.offset = offset;
    this.isCut = isCut;
  }
}
