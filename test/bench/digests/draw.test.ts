/** Drawn runs: the same for the same seed, none that the command line refuses, and every corner among them. */
import { describe, expect, it } from 'vitest';
import { argvOf, draw, drawRuns } from '../../../bench/digests/draw.js';
import { WORKLOAD_DRAWS } from '../../../bench/digests/workload-draws.js';
import { clusterConfig } from '../../../coordinator/plan/cluster-config.js';
import { checkSettings, parseSettings } from '../../../coordinator/plan/parameters.js';
import { resolveWorkload } from '../../../coordinator/plan/programs.js';
import { planWorkload } from '../../../coordinator/plan/work-plan.js';

const texts = (argv: readonly string[], option: string): string[] =>
  argv.filter((_, index) => argv[index - 1] === `--${option}`);

/** As `pinwire run` plans this command line; throws a UsageError for what it refuses. */
async function plan(argv: readonly string[]): Promise<number> {
  const resolved = await resolveWorkload(argv[1]!, '', 'private');
  const settings = parseSettings(texts(argv, 'set'));
  const one = (option: string): string | undefined => texts(argv, option)[0];
  const options = {
    cores: one('cores'),
    profile: one('profile'),
    mtu: one('mtu'),
    topology: one('topology'),
    noise: one('noise'),
    seed: one('seed'),
    fault: texts(argv, 'fault'),
    trace: one('trace'),
    placement: one('placement'),
    processes: one('processes'),
    'core-runtime': one('core-runtime'),
  };
  checkSettings(settings, [resolved]);
  const config = clusterConfig(options, Number(one('hosts')));
  return planWorkload(resolved, settings, config).configurations.length;
}

describe('a list of drawn runs', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(drawRuns(1, 50)).toEqual(drawRuns(1, 50));
    expect(drawRuns(2, 50).map(({ argv }) => argv)).not.toEqual(
      drawRuns(1, 50).map(({ argv }) => argv),
    );
  });

  it('begins with the shorter list of the same seed', () => {
    expect(drawRuns(3, 90).slice(0, 20)).toEqual(drawRuns(3, 20));
  });

  it('holds nothing that the command line refuses', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      for (const { argv } of drawRuns(seed, 60)) {
        await expect(plan(argv), argv.join(' ')).resolves.toBeGreaterThan(0);
      }
    }
  });

  it('misses no workload within one deck of cards', () => {
    const cards = WORKLOAD_DRAWS.reduce((sum, each) => sum + each.cards, 0);
    const drawn = new Set(Array.from({ length: cards }, (_, index) => draw(5, index).workload));
    expect(drawn.size).toBe(WORKLOAD_DRAWS.length);
  });

  it.each([
    ['a loss', ['--fault', 'loss=']],
    ['a delay', ['delay=80us']],
    ['captures', ['--capture']],
    ['a cable', ['--topology', 'direct']],
    ['four processes', ['--processes', '4']],
    ['worker threads', ['--core-runtime', 'worker']],
    ['sixteen hosts', ['--hosts', '16']],
    ['no noise', ['--noise', 'off']],
    ['whole frames in the trace hash', ['--trace', 'full']],
    ['a path MTU of its own', ['--mtu', '256']],
    ['every profile', ['cx3-qdr', 'cx4-edr', 'cx6-hdr', 'roce-100g', 'roce-25g', 'sfc-25g']],
    ['every path', ['path=rdma', 'path=kernel', 'path=busy-poll', 'path=bypass']],
  ])('of sixty runs has %s among them', (_what, words) => {
    const lines = Array.from({ length: 60 }, (_, index) => argvOf(draw(1, index)).join(' '));
    for (const word of words) expect(lines.some((line) => line.includes(word))).toBe(true);
  });
});
