import { describe, expect, test } from 'vitest';
import { QuietWatch } from '../../../coordinator/run/quiet-watch.js';

const quiet = (sent: number, received: number, programsLeft = 1, idle = true) => ({
  sent,
  received,
  idle,
  programsLeft,
});

describe('a run without windows is over', () => {
  test('for a lone process as soon as it is idle', () => {
    const watch = new QuietWatch(1, () => expect.unreachable());
    expect(watch.said(0, quiet(0, 0, 1, false), 0)).toBe(false);
    expect(watch.said(0, quiet(0, 0), 0)).toBe(true);
  });

  test('when every program has ended, whatever is still under way', () => {
    const watch = new QuietWatch(2, () => expect.unreachable());
    expect(watch.said(0, quiet(5, 0, 0, false), 0)).toBe(false);
    expect(watch.said(1, quiet(0, 3, 0, false), 0)).toBe(true);
  });

  test('when all are idle and two probes in a row are answered alike', () => {
    const probes: number[] = [];
    const watch = new QuietWatch(2, (probe) => probes.push(probe));
    expect(watch.said(0, quiet(2, 1), 0)).toBe(false);
    expect(watch.said(1, quiet(1, 2), 0)).toBe(false);
    expect(probes).toEqual([1]);
    expect(watch.said(0, quiet(2, 1), 1)).toBe(false);
    expect(watch.said(1, quiet(1, 2), 1)).toBe(false);
    expect(probes).toEqual([1, 2]);
    expect(watch.said(0, quiet(2, 1), 2)).toBe(false);
    expect(watch.said(1, quiet(1, 2), 2)).toBe(true);
  });

  test('not while a frame is under way', () => {
    const watch = new QuietWatch(2, () => expect.unreachable());
    expect(watch.said(0, quiet(2, 1), 0)).toBe(false);
    expect(watch.said(1, quiet(1, 1), 0)).toBe(false);
  });

  test('not if something moved between the probes', () => {
    const probes: number[] = [];
    const watch = new QuietWatch(2, (probe) => probes.push(probe));
    watch.said(0, quiet(2, 1), 0);
    watch.said(1, quiet(1, 2), 0);
    watch.said(0, quiet(2, 1), 1);
    watch.said(1, quiet(1, 2), 1);
    watch.said(0, quiet(3, 2), 2);
    expect(watch.said(1, quiet(2, 3), 2)).toBe(false);
    expect(probes).toEqual([1, 2, 3]);
  });
});
