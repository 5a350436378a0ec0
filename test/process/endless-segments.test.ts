import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinwire, scratch } from './pinwire.js';

/** A workload whose rank 1 runs `body` after its first await; the line of `body` is 6. */
const endless = (body: string): string => `import type { Core } from 'pinwire';
async function program(core: Core): Promise<number> {
  await core.sleep(1000 as never);
  let n = 0;
  if (core.rank === 1) {
    ${body}
  }
  return n;
}
export default {
  name: 'endless',
  summary: 'never awaits the emulator again',
  hosts: 2,
  parameters: {},
  place: () => [0, 1].map((host) => ({ host, core: 0, role: '' })),
  program,
  summarise: () => ({ verified: true, metrics: [], counters: {}, stages: [] }),
};
`;

const run = async (body: string, ...options: string[]) => {
  const directory = scratch();
  const path = join(directory, 'endless.ts');
  writeFileSync(path, endless(body));
  const where = ['--out', directory, '--quiet'];
  return { path, ...(await pinwire(['run', path, ...where, ...options])) };
};

describe('a segment that never ends', () => {
  test.concurrent.each([
    ['awaits promises of its own', 'for (;;) await Promise.resolve(n++);', 'embedded', 'inline'],
    ['computes', 'for (;;) n++;', 'process', 'inline'],
    ['computes', 'for (;;) n++;', 'process', 'worker'],
  ])(
    'and %s is reported and ended, with host, core and line: %s (%s, %s cores)',
    async (_, body, placement, cores) => {
      const where = ['--placement', placement, '--core-runtime', cores];
      const { path, code, stderr } = await run(body, ...where, '--segment-limit', '13s');
      const segment = (seconds: string): string =>
        `a segment of host1 core 0 has run for ${seconds} s without awaiting the emulator, ` +
        `at program \\(${path}:6:\\d+\\)`;
      expect(stderr).toMatch(new RegExp(`${segment('1[0-2]')}; it will be ended after 13 s`));
      expect(stderr).toMatch(
        new RegExp(`pinwire: host1 core 0: SegmentError: ${segment('1[3-9]')}\n`),
      );
      expect(code).toBe(1);
    },
  );

  test.concurrent.each(['inline', 'worker'])(
    'or that asks for chance is refused it (%s cores)',
    async (cores) => {
      const { code, stderr } = await run('n = Math.random();', '--core-runtime', cores);
      expect(stderr).toContain('Math.random is not available in virtual time: use core.random()');
      expect(code).toBe(1);
    },
  );

  test.concurrent('and awaits something foreign is reported at once', async () => {
    const { code, stderr } = await run(
      "await import('node:fs').then(({ promises }) => promises.stat('/'));",
      '--placement',
      'embedded',
    );
    expect(stderr).toMatch(/host1 core 0: SegmentError: the program awaits something/);
    expect(code).toBe(1);
  });
});

/** Computes for so long in wall time, and calls `between` every thousand steps. */
const computing = (seconds: number, between: string): string =>
  `for (const end = process.hrtime()[0] + ${seconds}; process.hrtime()[0] < end; n++) {
      for (let step = 0; step < 1_000; step++) n = (n + step) % 1000;
      ${between}
    }`;

describe('a segment that is longer than its limit', () => {
  const PLACES = [
    ['embedded', 'inline'],
    ['process', 'inline'],
    ['process', 'worker'],
  ] as const;

  test.concurrent.each(PLACES)(
    'is not ended while its program checks in, and is once it does not (%s, %s cores)',
    async (placement, cores) => {
      const where = ['--placement', placement, '--core-runtime', cores, '--segment-limit', '2s'];
      const long = await run(computing(7, 'await core.checkIn();'), ...where);
      expect(long.stderr).toBe('');
      expect(long.code).toBe(0);
      const stuck = await run(
        `${computing(4, 'await core.checkIn();')}\n    for (;;) n++;`,
        ...where,
      );
      expect(stuck.stderr).toMatch(
        /host1 core 0: SegmentError: a segment of host1 core 0 has run for [2-5] s without awaiting/,
      );
      expect(stuck.stderr).toContain(`${stuck.path}:10:`);
      expect(stuck.code).toBe(1);
    },
    60_000,
  );

  test.concurrent.each([
    ['embedded', 'inline'],
    ['process', 'worker'],
  ])(
    'is not ended where a workload of the catalogue makes a large feed (%s, %s cores)',
    async (placement, cores) => {
      const out = scratch();
      const feed = ['--set', 'stocks=5000', '--set', 'messages=500', '--cores', '2'];
      const where = ['--placement', placement, '--core-runtime', cores, '--segment-limit', '1s'];
      const options = ['--out', out, '--quiet', ...feed, ...where];
      const { code, stderr } = await pinwire(['run', 'trading/tick-to-trade', ...options]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    },
    60_000,
  );
});
