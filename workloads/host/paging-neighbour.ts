/**
 * The neighbour of host/paging: another process of the same host, which minds its own business. It has more pages than
 * there is memory for; at the moment it was told it uses one that is in swap, and gets whichever frame was used least
 * recently.
 */
import type { Core, Instant } from '../../node/program/verbs.js';
import { bytesOf, DRIVER, neighbourByte, PAGE, type Damage, type Order } from './paging-plan.js';

export async function neighbour(core: Core, count: number): Promise<void> {
  const region = await core.mmap(count * PAGE);
  const addressOf = (page: number): number => region.address + page * PAGE;
  const pages = Array.from({ length: count }, (_, page) =>
    bytesOf(PAGE, (place) => neighbourByte(page, place)),
  );
  for (const [page, bytes] of pages.entries()) await core.write(addressOf(page), bytes);
  await core.tell(DRIVER, 'ready');
  for (;;) {
    const order = (await core.hear(DRIVER)) as Order | 'done';
    if (order === 'done') return;
    // A process that has used all of its own resident pages has used the driver's least recently.
    let absent = -1;
    for (let page = 0; page < count; page++) {
      if ((await core.pagemap(addressOf(page))) === undefined) absent = absent < 0 ? page : absent;
      else await core.touch({ address: addressOf(page), length: PAGE });
    }
    await core.tell(DRIVER, 'ready');
    if (order.moment !== null) {
      await core.sleepUntil((order.begins + order.moment) as Instant);
      await core.read(addressOf(absent), 1);
    }
    await core.hear(DRIVER);
    const wrong: Damage['wrong'][number][] = [];
    for (const [page, expected] of pages.entries()) {
      // Pages in swap no device can reach.
      if ((await core.pagemap(addressOf(page))) === undefined) continue;
      const bytes = await core.read(addressOf(page), PAGE);
      for (let place = 0; place < PAGE; place++) {
        if (bytes[place] === expected[place]) continue;
        wrong.push({ address: addressOf(page) + place, is: bytes[place]! });
      }
    }
    const damage: Damage = { page: absent, address: addressOf(absent), wrong };
    await core.tell(DRIVER, damage);
  }
}
