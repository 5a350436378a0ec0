/** A doorbell as a record of 64 bytes. */
import { describe, expect, it } from 'vitest';
import {
  DOORBELL,
  DOORBELL_CELLS,
  emitDoorbell,
  newDoorbell,
  parseDoorbell,
  type Doorbell,
} from '../../../../node/model/nic/doorbell.js';

const LIMITS = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

describe('a doorbell', () => {
  it.each(Object.entries(DOORBELL))('of a %s is read as it was written', (_name, kind) => {
    for (const [turn, limit] of LIMITS.entries()) {
      const cells = new Float64Array(3 * DOORBELL_CELLS).fill(-5);
      const doorbell: Doorbell = {
        type: 'doorbell',
        kind,
        queuePair: LIMITS[(turn + 1) % LIMITS.length]!,
        produced: limit,
        time: LIMITS[(turn + 2) % LIMITS.length]!,
        row: turn === 0 ? -1 : turn,
      };
      emitDoorbell(cells, DOORBELL_CELLS, doorbell);
      const read = newDoorbell();
      parseDoorbell(cells, DOORBELL_CELLS, read);
      expect(read).toEqual(doorbell);
      const around = [...cells.subarray(0, DOORBELL_CELLS), ...cells.subarray(2 * DOORBELL_CELLS)];
      expect(new Set(around)).toEqual(new Set([-5]));
    }
  });
});
