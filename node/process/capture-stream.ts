/**
 * What a process captures, sent to the coordinator host by host: where the machine is not the user's own, no
 * coordinator says which files are written there. Pieces hold whole blocks of pcapng, so what was sent of a run that
 * failed can be read.
 */
import type { CaptureSink } from './capture-sink.js';

/** A piece of this size is worth a message. */
const PIECE = 64 << 10;
const CAPACITY = 2 * PIECE;
/** What all processes of a cluster together may have on its way, about: the receiver keeps it in memory. */
const WINDOW = 64 << 20;

interface Piece {
  readonly bytes: Uint8Array;
  filled: number;
}

export class CaptureStream implements CaptureSink {
  private readonly pieces = new Map<number, Piece>();
  private readonly send: (host: number, bytes: Uint8Array) => void;
  private readonly window: number;
  /** Bytes that were sent and not yet taken. */
  private underWay = 0;
  private resume: (() => void) | undefined;

  /** `processes`: how many share the receiver. */
  constructor(
    hosts: readonly number[],
    processes: number,
    send: (host: number, bytes: Uint8Array) => void,
  ) {
    for (const host of hosts) {
      this.pieces.set(host, { bytes: new Uint8Array(CAPACITY), filled: 0 });
    }
    this.window = Math.max(CAPACITY, WINDOW / processes);
    this.send = send;
  }

  append(host: number, bytes: Uint8Array): void {
    const piece = this.pieces.get(host)!;
    if (piece.filled + bytes.length > CAPACITY) this.flushPiece(host, piece);
    if (bytes.length > CAPACITY) {
      this.pass(host, bytes);
      return;
    }
    piece.bytes.set(bytes, piece.filled);
    piece.filled += bytes.length;
    if (piece.filled >= PIECE) this.flushPiece(host, piece);
  }

  /** The receiver is done with `bytes` more bytes. */
  taken(bytes: number): void {
    this.underWay -= bytes;
    if (this.underWay > this.window) return;
    this.resume?.();
    this.resume = undefined;
  }

  get room(): Promise<void> | undefined {
    if (this.underWay <= this.window) return undefined;
    return new Promise((resolve) => (this.resume = resolve));
  }

  flush(): void {
    for (const [host, piece] of this.pieces) this.flushPiece(host, piece);
  }

  close(): void {
    this.flush();
    this.pieces.clear();
  }

  private flushPiece(host: number, piece: Piece): void {
    if (piece.filled > 0) this.pass(host, piece.bytes.subarray(0, piece.filled));
    piece.filled = 0;
  }

  private pass(host: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CAPACITY) {
      this.send(host, bytes.subarray(at, at + CAPACITY));
    }
    this.underWay += bytes.length;
  }
}
