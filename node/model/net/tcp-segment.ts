/** A segment that came in, as its stack reads it: one record, reused. */
import { newTcp, parseTcp, TCP_FLAG, TCP_LENGTH } from '../../../wire/tcp.js';
import { newTcpOptions, parseTcpOptions } from '../../../wire/tcp-options.js';
import { addSequence } from './sequence.js';

export class TcpSegment {
  source = 0;
  readonly header = newTcp();
  readonly options = newTcpOptions();
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the payload is in `bytes`. */
  at = 0;
  length = 0;
  /** Payload bytes of the longest segment that it was merged of: its own, if it came as it is. */
  full = 0;
  /** SEG.SEQ plus SEG.LEN, which counts SYN and FIN. */
  end = 0;

  /**
   * False if the header is impossible. `length` is what IP says of header and payload; `full` is 0 for a segment that
   * came as it is.
   */
  read(
    source: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    full: number,
  ): boolean {
    if (length < TCP_LENGTH) return false;
    const { header } = this;
    parseTcp(view, at, header);
    if (header.headerLength < TCP_LENGTH || header.headerLength > length) return false;
    parseTcpOptions(view, at + TCP_LENGTH, at + header.headerLength, this.options);
    this.source = source;
    this.bytes = bytes;
    this.at = at + header.headerLength;
    this.length = length - header.headerLength;
    this.full = full > 0 ? full : this.length;
    this.end = addSequence(
      header.sequence,
      this.length + (this.has(TCP_FLAG.SYN) ? 1 : 0) + (this.has(TCP_FLAG.FIN) ? 1 : 0),
    );
    return true;
  }

  has(flag: number): boolean {
    return (this.header.flags & flag) !== 0;
  }
}
