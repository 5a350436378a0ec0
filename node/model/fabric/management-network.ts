/**
 * The out-of-band network over which programs exchange QP numbers, as a TCP socket beside the fabric would: reliable,
 * in order, with one latency. Its messages travel between processes as frames of an experimental EtherType, in virtual
 * time like all others, but not over the fabric: no port, no fault, no capture, no trace sees them.
 *
 *      0  Ethernet: addresses zero, EtherType 0x88b5
 *     14  from rank u32 | to rank u32 | message bytes u32 | offset u32
 *     30  a piece of the message, JSON
 */
import { ETHER_TYPE_OFFSET } from '../../../wire/ethernet.js';
import type { FramePool } from './frame-pool.js';
import type { FrameSlot } from './frame-slot.js';
import type { Port } from './port.js';

/** IEEE 802 local experimental EtherType 1. */
const MANAGEMENT_ETHER_TYPE = 0x88b5;
const FROM_AT = 14;
const TO_AT = 18;
const TOTAL_AT = 22;
const OFFSET_AT = 26;
const HEADER = 30;
const MAX_MESSAGE = 1 << 20;

export interface ManagementEnd {
  /** A whole value for rank `to` of this host. False if there is no such rank here. */
  told(from: number, to: number, value: unknown): boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A program may send raw frames of this EtherType, but none to the zero address: such a frame has no destination. */
export function isManagement({ view, frames }: FramePool, slot: FrameSlot): boolean {
  const { start } = frames[slot]!;
  return (
    view.getUint16(start + ETHER_TYPE_OFFSET) === MANAGEMENT_ETHER_TYPE &&
    view.getUint32(start) === 0
  );
}

export class ManagementNetwork {
  /** Messages of which pieces are missing, by sender and receiver. */
  private readonly partial = new Map<string, Uint8Array>();
  private readonly host: number;
  private readonly pool: FramePool;
  private readonly port: Port;
  private readonly latency: number;
  private readonly end: ManagementEnd;

  constructor(host: number, pool: FramePool, port: Port, latency: number, end: ManagementEnd) {
    this.host = host;
    this.pool = pool;
    this.port = port;
    this.latency = latency;
    this.end = end;
  }

  /** Sends `value` at `now`; `key` gives the tie-breaking key of each frame. */
  send(
    from: number,
    to: number,
    host: number,
    value: unknown,
    now: number,
    key: () => number,
  ): void {
    const json = JSON.stringify(value) as string | undefined;
    const bytes = encoder.encode(json ?? 'null');
    if (bytes.length > MAX_MESSAGE) throw new Error('an out-of-band message is longer than 1 MiB');
    const { pool } = this;
    let offset = 0;
    do {
      const size = Math.min(bytes.length - offset, pool.mtu);
      const slot = pool.allocate();
      const start = pool.payloadAt(slot) - HEADER;
      const { view } = pool;
      pool.bytes.fill(0, start, start + ETHER_TYPE_OFFSET);
      view.setUint16(start + ETHER_TYPE_OFFSET, MANAGEMENT_ETHER_TYPE);
      view.setUint32(start + FROM_AT, from);
      view.setUint32(start + TO_AT, to);
      view.setUint32(start + TOTAL_AT, bytes.length);
      view.setUint32(start + OFFSET_AT, offset);
      pool.bytes.set(bytes.subarray(offset, offset + size), start + HEADER);
      const frame = pool.frames[slot]!;
      frame.start = start;
      frame.headerLength = HEADER;
      frame.length = HEADER + size;
      frame.source = this.host;
      frame.destination = host;
      frame.element = host;
      frame.time = now + this.latency;
      frame.key = key();
      pool.chains.clear(slot);
      this.port.send(slot);
      offset += size;
    } while (offset < bytes.length);
  }

  /** A frame of this network is here: gives it back, and hands out the message if it was the last piece. */
  receive(slot: FrameSlot): void {
    const { pool, partial } = this;
    const { view } = pool;
    const { start, length } = pool.frames[slot]!;
    const from = view.getUint32(start + FROM_AT);
    const to = view.getUint32(start + TO_AT);
    const total = view.getUint32(start + TOTAL_AT);
    const offset = view.getUint32(start + OFFSET_AT);
    const size = length - HEADER;
    const name = `${from}>${to}`;
    const message = partial.get(name) ?? new Uint8Array(Math.min(total, MAX_MESSAGE));
    const fits = size >= 0 && offset + size <= message.length && total === message.length;
    if (fits) message.set(pool.bytes.subarray(start + HEADER, start + HEADER + size), offset);
    pool.release(slot);
    if (!fits) throw new Error(`a broken out-of-band frame reached host${this.host}`);
    if (offset + size < total) {
      partial.set(name, message);
      return;
    }
    partial.delete(name);
    if (!this.end.told(from, to, JSON.parse(decoder.decode(message)))) {
      throw new Error(`an out-of-band message reached host${this.host}, which has no rank ${to}`);
    }
  }
}
