/**
 * What a stack needs from its host, and what it reports to it: the kernel, or a program that owns a queue of raw
 * frames.
 */
import type { NetSocket } from './net-socket.js';

/** One mutable record that its owner reuses. */
export interface FrameBuffer {
  bytes: Uint8Array;
  view: DataView;
  at: number;
}

export interface StackHost {
  /**
   * Where to write a frame of `length` bytes, Ethernet header to last payload byte, without check sequence. Undefined:
   * the device has no room now; what was to be sent is tried again at `IpStack.roomAgain`.
   */
  begin(length: number): FrameBuffer | undefined;
  /**
   * The frame just written is complete but for the checksums of UDP and TCP, which `completeChecksums` would write.
   * `headerLength` bytes of it are before the payload; `socket` is whose it is, -1 for nobody's (ARP, RST).
   */
  send(length: number, headerLength: number, socket: number): void;
  /** 32 random bits of a seeded stream. */
  random(): number;
}

/** Told at the end of the call in which it came about; the stack may be called from here. */
export interface SocketListener {
  /** There is something to read: bytes, a datagram, the peer's end. */
  readable(socket: NetSocket): void;
  /** `send` was refused something; now it would take some again. */
  writable(socket: NetSocket): void;
  connected(socket: NetSocket): void;
  /** A connection is ready for `listener.accept()`. */
  accepted(listener: NetSocket, socket: NetSocket): void;
  /** `socket.error` says why. */
  failed(socket: NetSocket): void;
}
