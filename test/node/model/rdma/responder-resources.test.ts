/** What a responder remembers of the READs and atomics it answered. */
import { describe, expect, it } from 'vitest';
import { ResponderResources } from '../../../../node/model/rdma/responder-resources.js';
import { psn } from '../../../../units/psn.js';

const known = (resources: ResponderResources): number[] =>
  Array.from({ length: 20 }, (_, n) => n).filter((n) => resources.find(psn(n)) !== undefined);

describe('responder resources', () => {
  it('are as many as max_dest_rd_atomic; the oldest is forgotten', () => {
    const resources = new ResponderResources();
    resources.reset(3);
    expect(known(resources)).toEqual([]);
    for (let n = 1; n <= 5; n++) resources.claim(psn(n), 1, true);
    expect(known(resources)).toEqual([3, 4, 5]);
    resources.reset(3);
    expect(known(resources)).toEqual([]);
  });

  it('are found by every PSN of a READ, over the wrap too', () => {
    const resources = new ResponderResources();
    resources.reset(1);
    resources.claim(psn(0xfffffe), 4, false);
    for (const n of [0xfffffe, 0xffffff, 0, 1]) expect(resources.find(psn(n))?.packets).toBe(4);
    for (const n of [0xfffffd, 2]) expect(resources.find(psn(n))).toBeUndefined();
  });

  it('keep the latest when there shall be fewer, and all when there shall be more', () => {
    const resources = new ResponderResources();
    resources.reset(3);
    for (let n = 1; n <= 4; n++) resources.claim(psn(n), 1, true);
    resources.resize(2);
    expect(known(resources)).toEqual([3, 4]);
    resources.resize(4);
    expect(known(resources)).toEqual([3, 4]);
    for (let n = 5; n <= 7; n++) resources.claim(psn(n), 1, true);
    expect(known(resources)).toEqual([4, 5, 6, 7]);
  });
});
