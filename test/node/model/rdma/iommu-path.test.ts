/** RDMA through an IOMMU: how often its cache misses, what that adds, and that it turns nothing away. */
import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { pair, type Side } from './pair.js';

const PAGE = 4096;
const ENTRIES = 16;

/** READs or WRITEs of a few bytes of each of `pages` pages of the peer in turn, `rounds` times, one by one. */
async function inTurn(
  opcode: 'read' | 'write',
  pages: number,
  rounds: number,
  overrides: readonly string[],
) {
  const counters: Readonly<Record<string, number>>[] = [];
  const { a } = await pair(
    {
      regionLength: pages * PAGE,
      overrides,
      onCounters: (host) => counters.push(host),
    },
    async (side: Side) => {
      const { core, qp, completions, meet } = side;
      const start = core.now;
      for (let i = 0; i < rounds * pages; i++) {
        qp.postSend(side[opcode](0, 64, (i % pages) * PAGE + 256));
        await completions(1);
      }
      const took = core.now - start;
      await meet();
      return took;
    },
    async ({ meet }) => meet(),
  );
  return { took: a, peer: counters[1]!, own: counters[0]! };
}

describe('the IOTLB on the way of RDMA', () => {
  const on = ['iommu.mode=on', `iommu.entries=${ENTRIES}`];

  it('holds a working set of its size, and misses on every page of a larger one', async () => {
    const small = await inTurn('write', ENTRIES, 8, on);
    expect(small.peer['iotlb_misses']).toBe(ENTRIES);
    const large = await inTurn('write', 2 * ENTRIES, 8, on);
    expect(large.peer['iotlb_misses']).toBe(8 * 2 * ENTRIES);
    expect(small.peer['iommu_faults']).toBe(0);
  });

  it('costs nothing where there is none, and a READ one walk for each of its misses', async () => {
    const { miss } = loadProfile('roce-100g', []).iommu;
    const without = await inTurn('read', 2 * ENTRIES, 4, []);
    const within = await inTurn('read', 2 * ENTRIES, 4, ['iommu.mode=on', 'iommu.entries=1024']);
    const beyond = await inTurn('read', 2 * ENTRIES, 4, on);
    expect(without.peer['iotlb_misses']).toBe(0);
    for (const { took, peer, own } of [within, beyond]) {
      const misses = peer['iotlb_misses']! + own['iotlb_misses']!;
      expect(took - without.took).toBe(misses * miss);
    }
    expect(within.peer['iotlb_misses']).toBe(2 * ENTRIES);
    expect(beyond.peer['iotlb_misses']).toBe(4 * 2 * ENTRIES);
  });
});
