/**
 * Two cores of one host and no message between them: one counts in a byte, the other one looks at it, at times of its
 * own.
 */
import { ACCESS } from 'pinwire';
import { defineWorkload } from 'pinwire/workload';

const BEGINS = 1e9;
const STEPS = 300;

export default defineWorkload({
  name: 'test/shared-memory',
  summary: 'a byte that two cores share',
  parameters: {},
  hosts: 1,
  place: () => [0, 1].map((core) => ({ host: 0, core, role: '' })),
  async program(core) {
    const context = await core.openDevice();
    const pd = await context.allocatePd();
    const shared = core.rank === 0 ? await core.allocate(4096) : await core.hear(0);
    if (core.rank === 0) await core.tell(1, shared);
    const region = await pd.registerMemory(shared, ACCESS.LOCAL_WRITE);
    await core.sleepUntil(BEGINS);
    const seen = [];
    for (let step = 1; step <= STEPS; step++) {
      await core.work(core.rank === 0 ? 50_000 : 51_000);
      if (core.rank === 0) region.bytes[0] = step;
      else seen.push(region.bytes[0]);
    }
    return seen;
  },
  summarise: ([, seen]) => ({
    verified: true,
    metrics: seen.map((value, step) => ({ name: `seen_${step}`, unit: 'count', value })),
  }),
});
