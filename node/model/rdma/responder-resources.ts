/**
 * What a responder remembers of the READs and atomics it answered, so that a duplicate is answered again and an atomic
 * never done twice (IBTA 9.4.5, 9.7.5.1.6). As many as max_dest_rd_atomic; the oldest is forgotten.
 */
import { psnDistance, type Psn } from '../../../units/psn.js';

export interface Resource {
  firstPsn: Psn;
  packets: number;
  atomic: boolean;
  rkey: number;
  address: number;
  length: number;
  originalHigh: number;
  originalLow: number;
  /** For an atomic: it has been executed. */
  done: boolean;
  /** Its answer has not left yet. */
  inUse: boolean;
}

export class ResponderResources {
  private ring: Resource[] = [];
  private next = 0;

  reset(count: number): void {
    this.next = 0;
    this.ring = Array.from({ length: count }, newResource);
  }

  /** Another count of them; the latest are kept. */
  resize(count: number): void {
    const { ring, next } = this;
    const oldestFirst = [...ring.slice(next), ...ring.slice(0, next)];
    const kept = oldestFirst.slice(Math.max(0, ring.length - count));
    while (kept.length < count) kept.unshift(newResource());
    this.ring = kept;
    this.next = 0;
  }

  /** Whether there is a place for a new one: the oldest has been answered. */
  get available(): boolean {
    return this.ring.length > 0 && !this.ring[this.next]!.inUse;
  }

  /** A place for a new one, the oldest's. */
  claim(firstPsn: Psn, packets: number, atomic: boolean): Resource {
    const resource = this.ring[this.next]!;
    this.next = (this.next + 1) % this.ring.length;
    resource.firstPsn = firstPsn;
    resource.packets = packets;
    resource.atomic = atomic;
    resource.done = false;
    resource.inUse = true;
    return resource;
  }

  /** The one that `psn` belongs to. */
  find(psn: Psn): Resource | undefined {
    return this.ring.find((resource) => {
      const distance = psnDistance(psn, resource.firstPsn);
      return distance >= 0 && distance < resource.packets;
    });
  }
}

const newResource = (): Resource => ({
  firstPsn: 0 as Psn,
  packets: 0,
  atomic: false,
  rkey: 0,
  address: 0,
  length: 0,
  originalHigh: 0,
  originalLow: 0,
  done: false,
  inUse: false,
});
