/** A page that anybody may ask for, as often as he likes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { KeptPage } from '../../../coordinator/operations/kept-page.js';

/** A page that takes `ms` to make, and how often it was made. */
function dearPage(ms: number): { page: KeptPage; made: () => number } {
  let made = 0;
  const page = new KeptPage(async () => {
    const body = `made ${++made} times`;
    await sleep(ms);
    return { status: 200, type: 'text/plain', body };
  });
  return { page, made: () => made };
}

test('is made once for all who ask meanwhile, and all have the same bytes', async () => {
  const { page, made } = dearPage(10);
  const [first, ...others] = await Promise.all(Array.from({ length: 640 }, () => page.read()));
  expect(String(first!.body)).toBe('made 1 times');
  expect(others.every(({ body }) => body === first!.body)).toBe(true);
  expect(made()).toBe(1);
});

test('takes at most a tenth of the time of its maker, however often it is asked for', async () => {
  const { page, made } = dearPage(20);
  const deadline = performance.now() + 500;
  while (performance.now() < deadline) {
    await page.read();
    await sleep(1);
  }
  // Every 200 ms at most.
  expect(made()).toBeGreaterThan(1);
  expect(made()).toBeLessThanOrEqual(3);
});

test('is made anew when it says something else, also while it is being made', async () => {
  const { page } = dearPage(50);
  const before = page.read();
  page.forget();
  expect(String((await page.read()).body)).toBe('made 2 times');
  expect(String((await before).body)).toBe('made 1 times');
  expect(String((await page.read()).body)).toBe('made 2 times');
});
