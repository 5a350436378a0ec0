/** What too many queue pairs do to a NIC. */
import { describe, expect, it } from 'vitest';
import { QpStateCache } from '../../../../node/model/nic/qp-state-cache.js';
import { loadProfile, noiseFree } from '../../../../coordinator/profiles/profiles.js';
import { RandomStream } from '../../../../sim/random.js';

const { nic } = noiseFree(
  loadProfile('cx3-qdr', ['nic.qp_cache_entries=4', 'nic.qp_cache_miss=100ns']),
);

describe('the cache of queue pair state', () => {
  it('costs nothing while all queue pairs fit', () => {
    const cache = new QpStateCache(nic, { now: 0 });
    expect(cache.holdsAll(4)).toBe(true);
    expect(cache.holdsAll(5)).toBe(false);
  });

  it('fetches what was used longest ago, one at a time', () => {
    const cache = new QpStateCache(nic, { now: 0 });
    for (let qp = 0; qp < 4; qp++) cache.wait(qp, 1_000_000);
    // Four misses wanted at once come 100 ns apart.
    expect(cache.wait(0, 1_000_000)).toBe(0);
    expect(cache.wait(4, 1_000_000)).toBe(500_000);
    expect(cache.wait(1, 2_000_000)).toBe(100_000);
    expect(cache.misses).toBe(6);
  });

  it('misses 1 - C/N of random accesses to N queue pairs', () => {
    const cache = new QpStateCache(nic, { now: 0 });
    const random = new RandomStream(1, 'swarm');
    const accesses = 20_000;
    for (let i = 0; i < accesses; i++) cache.wait(random.below(16), 0);
    expect(cache.misses / accesses).toBeGreaterThan(0.73);
    expect(cache.misses / accesses).toBeLessThan(0.77);
  });
});
