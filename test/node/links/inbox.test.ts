import { describe, expect, test } from 'vitest';
import { BatchReader } from '../../../node/links/batch-reader.js';
import { BatchWriter } from '../../../node/links/batch-writer.js';
import { FramePool } from '../../../node/model/fabric/frame-pool.js';
import { Inbox } from '../../../node/links/inbox.js';
import { RandomStream } from '../../../sim/random.js';
import { makeFrame, randomShape } from '../model/fabric/random-frames.js';
import { unlinked } from './unlinked.js';

describe('an inbox', () => {
  test('ends a run in which a process sends without end before its time, and names the link', () => {
    const places = unlinked(Int32Array.of(0, 1));
    const [theirs, ours] = [new FramePool(1024, 16), new FramePool(1024, 16)];
    const random = new RandomStream(5, 'inbox');
    const most = 200 * ours.slotSize;
    const inbox = new Inbox(new BatchReader(ours, places, 0, 2, 1), most);
    const writer = new BatchWriter(1);
    let arrived = 0;
    const receiver = {
      // Nothing is released: the time of none of them has come.
      frame: () => arrived++,
      baton: () => undefined,
    };
    const flood = (): void => {
      for (let batch = 0; batch < 100; batch++) {
        for (let i = 0; i < 10; i++) {
          const slot = makeFrame(theirs, randomShape(theirs, 1, 0, random), random);
          writer.add(theirs, slot);
          theirs.release(slot);
        }
        inbox.store(1, writer.finish().slice());
        writer.clear();
        inbox.empty(receiver);
      }
    };
    expect(flood).toThrow(
      `link from process 1: more frames before their time than ${most} bytes hold`,
    );
    expect(arrived).toBe(210);
  });
});
