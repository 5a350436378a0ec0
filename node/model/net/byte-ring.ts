/**
 * A queue of bytes that grows to what it has to hold. Bytes may be put beyond its end, as TCP's out-of-order
 * segments are; they belong to the queue once {@link ByteRing.extend} says so.
 */
import { copyBytes } from './copy-bytes.js';

const LEAST_CAPACITY = 1024;
const NOTHING = new Uint8Array(0);

export class ByteRing {
  /** Bytes in the queue. */
  length = 0;
  /** A power of two long, or empty. */
  private bytes = NOTHING;
  private head = 0;

  /** Puts `length` bytes so that the first is `offset` bytes behind the queue's head. */
  put(offset: number, from: Uint8Array, at: number, length: number): void {
    if (offset + length > this.bytes.length) this.grow(offset + length);
    const mask = this.bytes.length - 1;
    const start = (this.head + offset) & mask;
    const first = Math.min(length, this.bytes.length - start);
    copyBytes(from, at, this.bytes, start, first);
    if (first < length) copyBytes(from, at + first, this.bytes, 0, length - first);
  }

  /** What was put behind the end is part of the queue. */
  extend(length: number): void {
    this.length += length;
  }

  append(from: Uint8Array, at: number, length: number): void {
    this.put(this.length, from, at, length);
    this.length += length;
  }

  /** Copies out, from `offset` bytes behind the head; the bytes stay. */
  copyOut(offset: number, to: Uint8Array, at: number, length: number): void {
    const start = (this.head + offset) & (this.bytes.length - 1);
    const first = Math.min(length, this.bytes.length - start);
    copyBytes(this.bytes, start, to, at, first);
    if (first < length) copyBytes(this.bytes, 0, to, at + first, length - first);
  }

  /** Takes bytes away at the head. */
  drop(length: number): void {
    this.head = (this.head + length) & (this.bytes.length - 1);
    this.length -= length;
  }

  /** Gives the memory back. */
  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
    this.head = 0;
  }

  private grow(least: number): void {
    let capacity = Math.max(LEAST_CAPACITY, this.bytes.length);
    while (capacity < least) capacity *= 2;
    const old = this.bytes;
    const next = new Uint8Array(capacity);
    // All of it, as bytes may lie beyond the end.
    next.set(old.subarray(this.head));
    next.set(old.subarray(0, this.head), old.length - this.head);
    this.bytes = next;
    this.head = 0;
  }
}
