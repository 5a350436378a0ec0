/**
 * `npm run placements`: draws runs, does each in several placements while the machine is busy, and compares the
 * results byte for byte.
 *
 *     npm run placements -- [--draws N] [--seed S] [--only K]
 */
import { UsageError } from '../../coordinator/errors/usage-error.js';
import {
  Interrupted,
  watchInterruptions,
  type Interruption,
} from '../../coordinator/terminal/interruption.js';
import { processTerminal } from '../../coordinator/terminal/terminal.js';
import { describeDeviation, deviations } from './comparison.js';
import { Load } from './load.js';
import { HELP, readOptions, type PlacementOptions } from './options.js';
import { placedDraw } from './placed-draw.js';
import { Places } from './places.js';

const terminal = processTerminal();

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === undefined) {
    terminal.write(HELP);
    return 0;
  }
  const places = new Places((line) => terminal.error(line));
  const load = new Load();
  const interruption = watchInterruptions(() => {
    load.kill();
    places.kill();
  });
  try {
    return await compareAll(options, places, interruption);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return 130;
  } finally {
    await Promise.all([places.stop(), load.stop()]);
    interruption.dispose();
  }
}

async function compareAll(
  { seed, first, count }: PlacementOptions,
  places: Places,
  interruption: Interruption,
): Promise<number> {
  let different = 0;
  for (let index = first; index < first + count; index++) {
    const drawn = placedDraw(seed, index);
    const begun = performance.now();
    const found = await Promise.race([deviations(drawn, places), interruption.arrived]);
    const seconds = (performance.now() - begun) / 1000;
    const verdict = found.length === 0 ? 'the same' : 'DIFFERENT';
    const done = `${index - first + 1}/${count}`.padStart(9);
    terminal.error(
      `${done}  ${drawn.name}  ${drawn.draw.workload}  ${seconds.toFixed(1)} s  ${verdict}`,
    );
    for (const each of found) terminal.write(`${describeDeviation(drawn, each)}\n`);
    if (found.length > 0) different++;
  }
  terminal.write(`${count} draw${count === 1 ? '' : 's'}, ${different} different\n`);
  return different > 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  terminal.error(`placements: ${error.message}`);
  process.exitCode = 2;
}
