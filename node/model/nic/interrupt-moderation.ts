/**
 * Interrupt moderation of one receive queue (`ethtool -C`: rx-usecs, rx-frames): the first frame of an idle queue
 * starts the timer, and the interrupt comes when it ends or when rx-frames frames are there, whichever is first. From
 * the interrupt on the queue is silent, until the kernel's poll found it empty and says so (napi_complete). Adaptive
 * moderation is not modelled.
 *
 *   idle --first frame--> counting --interrupt--> polled --complete, nothing waits--> idle
 *                             ^                      |
 *                             +---complete, frames came since the last look---+
 *
 * The owner of the queue arranges an event for each instant that {@link InterruptModeration.arrival} and
 * {@link InterruptModeration.complete} answer, and asks {@link InterruptModeration.fires} when it comes: an event
 * that an earlier one has overtaken is dropped then.
 */

/** Nothing to arrange. */
export const NO_INTERRUPT = -1;

const STATE = { idle: 0, counting: 1, polled: 2 } as const;

export class InterruptModeration {
  /** From the first frame of an idle queue to its interrupt, in ps; and frames that do not wait so long. */
  rxUsecs: number;
  rxFrames: number;
  interrupts = 0;
  private state: number = STATE.idle;
  private frames = 0;
  private due = 0;

  constructor({ rxUsecs, rxFrames }: { readonly rxUsecs: number; readonly rxFrames: number }) {
    this.rxUsecs = rxUsecs;
    this.rxFrames = rxFrames;
  }

  /** Whether the kernel polls the queue now, so that frames cause no interrupt. */
  get polled(): boolean {
    return this.state === STATE.polled;
  }

  /** A frame is in the queue at `now`: the instant of the interrupt to arrange, or {@link NO_INTERRUPT}. */
  arrival(now: number): number {
    switch (this.state) {
      case STATE.polled:
        return NO_INTERRUPT;
      case STATE.idle:
        return this.count(now, 1);
      default:
        this.frames++;
        if (this.frames !== this.rxFrames || this.due <= now) return NO_INTERRUPT;
        this.due = now;
        return now;
    }
  }

  /** An arranged instant has come: whether the queue interrupts, and is polled from now on. */
  fires(now: number): boolean {
    if (this.state !== STATE.counting || now !== this.due) return false;
    this.state = STATE.polled;
    this.interrupts++;
    return true;
  }

  /** The kernel begins to poll without an interrupt, as a busy-polling socket does. */
  silence(): void {
    this.state = STATE.polled;
  }

  /** The poll is over, and `waiting` frames came that it has not taken: as if they all arrived now. */
  complete(now: number, waiting: number): number {
    this.state = STATE.idle;
    return waiting > 0 ? this.count(now, waiting) : NO_INTERRUPT;
  }

  private count(now: number, frames: number): number {
    this.state = STATE.counting;
    this.frames = frames;
    this.due = frames >= this.rxFrames ? now : now + this.rxUsecs;
    return this.due;
  }
}
