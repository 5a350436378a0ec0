/** What the command for placements compares: every path and every kind of placement, and nothing that is refused. */
import { describe, expect, it } from 'vitest';
import { describeDeviation, deviations } from '../../../bench/placements/comparison.js';
import { placedDraw, type Placement } from '../../../bench/placements/placed-draw.js';
import type { Outcome } from '../../../bench/placements/places.js';
import { argvOf, MOST_THREADS } from '../../../bench/digests/draw.js';
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';

const DRAWS = Array.from({ length: 300 }, (_, index) => placedDraw(1, index));
const LINES = DRAWS.map(({ draw }) => argvOf(draw).join(' '));

describe('draws to be compared', () => {
  it('are the same for the same seed, and each depends on nothing else', () => {
    expect(placedDraw(1, 7)).toEqual(DRAWS[7]);
    expect(placedDraw(2, 7).draw).not.toEqual(DRAWS[7]!.draw);
  });

  it.each([
    ['every path', ['path=rdma', 'path=kernel', 'path=busy-poll', 'path=bypass']],
    ['every suite', ['run micro/', 'run host/', 'run hpc/', 'run trading/']],
    ['every fault', ['loss=', 'corrupt=', 'duplicate=', 'delayed=']],
    ['interrupts, moderated or not', ['moderation=on', 'kernel.rx_usecs=0us']],
    ['one core and several', ['--cores 1', '--cores 2', '--cores 3', '--cores 4']],
    ['noise or none', ['--noise on', '--noise off']],
    ['several seeds', ['--seed 1', '--seed 2', '--seed 3']],
    ['other hardware', ['--override', 'management.latency=150ns']],
    ['a last instant', ['--until']],
    ['captures', ['--capture']],
  ])('have %s among them', (_what, words) => {
    for (const word of words) expect(LINES.some((line) => line.includes(word))).toBe(true);
  });

  it('are done embedded, by threads and inline, in one process to four', () => {
    expect(DRAWS[0]!.serial).toEqual({ placement: 'embedded', 'core-runtime': 'inline' });
    const placements = DRAWS.flatMap(({ others }) => others);
    for (const processes of ['1', '2', '3', '4']) {
      for (const runtime of ['worker', 'inline']) {
        const isIt = (each: Placement): boolean =>
          each['processes'] === processes && each['core-runtime'] === runtime;
        expect(placements.some(isIt), `${processes} ${runtime}`).toBe(true);
      }
    }
  });

  it('are nothing that the command line refuses, and start no more threads than a machine bears', () => {
    for (const { draw, serial, others } of DRAWS.slice(0, 60)) {
      for (const placement of [serial, ...others]) {
        const { fault, override, ...options } = draw.options;
        const texts = Object.fromEntries(
          Object.entries({ ...options, ...placement }).map(([name, value]) => [
            name,
            String(value),
          ]),
        );
        const lists = {
          ...(fault !== undefined && { fault: [String(fault)] }),
          ...(override !== undefined && { override: [String(override)] }),
        };
        const config = clusterConfig({ ...texts, ...lists }, Number(options['hosts']));
        if (config.coreRuntime === 'worker')
          expect(config.hosts * config.cores).toBeLessThanOrEqual(MOST_THREADS);
      }
    }
  });
});

describe('a draw that comes out another way over processes', () => {
  const outcome = (p50: number): Outcome =>
    ({
      cluster: {},
      results: [{ metrics: [{ p50 }] }],
      error: undefined,
      captures: {},
      packets: 1,
      events: 1,
    }) as never;
  const drawn = DRAWS[3]!;

  it('is shown with the first path that differs, both values and the command that repeats both', async () => {
    const isWrong = ({ processes }: Placement): boolean => processes === '1';
    const places = { run: async (_: unknown, at: Placement) => outcome(isWrong(at) ? 3 : 2) };
    const found = await deviations(drawn, places);
    expect(found).toHaveLength(1);
    expect(describeDeviation(drawn, found[0]!)).toBe(
      `draw 1:4: results[0].metrics[0].p50 is 2 (embedded, inline), 3 (over 1 process, worker): ` +
        `for place in '--placement embedded --core-runtime inline' ` +
        `'--placement process --processes 1 --core-runtime worker'; do ` +
        `npx pinwire ${LINES[3]!} $place --quiet --json -; done`,
    );
  });

  it('is one that fails there only, or has other captures', async () => {
    const serial = outcome(2);
    for (const other of [
      { ...serial, error: 'host1 exited with status 1' },
      { ...serial, captures: { host0: '100 bytes, ab' } },
      { ...serial, packets: 2 },
    ]) {
      const places = {
        run: async (_: unknown, at: Placement) => (at['placement'] === 'embedded' ? serial : other),
      };
      expect(await deviations(drawn, places)).toHaveLength(drawn.others.length);
    }
  });
});
