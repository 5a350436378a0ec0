/** Who could not send for want of room in the device, in the order in which they asked. */

export interface RoomWaiter {
  readonly waitsForRoom: boolean;
  /** Clears `waitsForRoom`, and tries again; may have to wait once more. */
  roomAgain(now: number): void;
}

export class RoomQueue {
  private readonly waiters: RoomWaiter[] = [];

  wait(waiter: RoomWaiter): void {
    this.waiters.push(waiter);
  }

  /** A waiter that has used up the room goes to the end again; those behind it keep their places. */
  roomAgain(now: number): void {
    for (let count = this.waiters.length; count > 0; count--) {
      const waiter = this.waiters.shift()!;
      waiter.roomAgain(now);
      if (waiter.waitsForRoom) return;
    }
  }
}
