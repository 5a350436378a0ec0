/**
 * A link that loses, doubles, damages and delays frames, each with a probability drawn from the host's own stream: the
 * same seed, the same faults, wherever the host runs. Damage on the cable shows in the frame's FCS; damage inside a
 * switch or a NIC, before an FCS is made, only in checksums further up.
 */
import { RandomStream } from '../../../sim/random.js';
import { FAULT_UNIT, Sequencer } from '../../../sim/sequencer.js';
import { STAGE } from '../../../sim/stages.js';
import { ETHERNET_LENGTH } from '../../../wire/ethernet.js';
import type { FaultSpec } from '../../spec/run-spec.js';
import { finishFrame } from './finished-frame.js';
import type { FramePool } from './frame-pool.js';
import { NO_FRAME_SLOT, type FrameSlot } from './frame-slot.js';
import type { Port } from './port.js';

export class FaultyLink implements Port {
  lost = 0;
  duplicated = 0;
  corrupted = 0;
  delayed = 0;
  private readonly random: RandomStream;
  /** Apart, so that a run without this fault draws what it always drew. */
  private readonly icrcRandom: RandomStream;
  private readonly sequencer: Sequencer;
  private readonly inner: Port;
  private readonly pool: FramePool;
  private readonly faults: FaultSpec;

  constructor(inner: Port, pool: FramePool, host: number, faults: FaultSpec, seed: number) {
    this.inner = inner;
    this.pool = pool;
    this.faults = faults;
    this.random = new RandomStream(seed, `host${host}/faults`);
    this.icrcRandom = new RandomStream(seed, `host${host}/faults/icrc`);
    this.sequencer = new Sequencer(host, FAULT_UNIT);
  }

  send(slot: FrameSlot): void {
    const { pool, random, faults } = this;
    // Every frame draws the same number of times, so one probability does not change what another one hits.
    const loses = random.unit() < faults.loss;
    const doubles = random.unit() < faults.duplicate;
    const damages = random.unit() < faults.corrupt;
    const delays = random.unit() < faults.delayed;
    const bit = random.unit();
    const damagesEarlier = faults.icrc > 0 && this.icrcRandom.unit() < faults.icrc;
    if (loses) {
      this.lost++;
      pool.release(slot);
      return;
    }
    const copy = doubles ? this.copy(slot) : NO_FRAME_SLOT;
    if (damages || damagesEarlier) this.damage(slot, bit);
    // The FCS covers what was damaged before it was made.
    if (damages) pool.frames[slot]!.damaged = true;
    if (delays) {
      this.delayed++;
      const frame = pool.frames[slot]!;
      frame.time += faults.delay;
      pool.settleChain(slot);
      pool.chains.advance(slot, STAGE.propagate, frame.time);
    }
    this.inner.send(slot);
    if (copy !== NO_FRAME_SLOT) this.inner.send(copy);
  }

  private copy(slot: FrameSlot): FrameSlot {
    const { pool } = this;
    this.duplicated++;
    const copy = pool.copy(slot);
    pool.frames[copy]!.key = this.sequencer.key();
    return copy;
  }

  /** Flips one bit behind the Ethernet header, after its checksums were put right. */
  private damage(slot: FrameSlot, where: number): void {
    const { pool } = this;
    this.corrupted++;
    const frame = pool.frames[slot]!;
    const { start, length } = frame;
    finishFrame(pool, slot);
    const bit = Math.floor(where * (length - ETHERNET_LENGTH) * 8);
    pool.bytes[start + ETHERNET_LENGTH + (bit >> 3)]! ^= 1 << (bit & 7);
    frame.suspect = true;
  }
}
