/**
 * Runs drawn from a seed: a workload with its parameters, on any profile, with or without faults and captures, placed
 * in any way. Draw n of a seed depends on nothing else, so a longer list begins with a shorter one. Nothing is drawn
 * that the command line refuses.
 */
import { Dice } from './dice.js';
import type { PlannedRun } from './planned-run.js';
import { WORKLOAD_DRAWS, type Harm, type Settings, type WorkloadDraw } from './workload-draws.js';

export interface Draw {
  readonly workload: string;
  readonly settings: Settings;
  /** By name, without the dashes. */
  readonly options: Readonly<Record<string, string | number>>;
}

const PROFILES = ['cx3-qdr', 'cx4-edr', 'cx6-hdr', 'roce-100g', 'roce-25g', 'sfc-25g'] as const;
const PROFILE_MTU = 'of the profile';
const MTUS = [PROFILE_MTU, PROFILE_MTU, PROFILE_MTU, 256, 512, 1024, 2048, 4096] as const;
/** The least that a profile has by itself. */
const USUAL_MTU = 1024;
const SEEDS = 3;
export const MOST_PROCESSES = 4;
/** Threads of one run: more of them are slow to start, and compute nothing else. */
export const MOST_THREADS = 16;
const DRAW_SECONDS = 120;

const DECK = WORKLOAD_DRAWS.flatMap((each) => Array<WorkloadDraw>(each.cards).fill(each));

/** Draw `index` of `seed`, from 0 on, with no more hosts than `mostHosts`: two at the least. */
export function draw(seed: number, index: number, mostHosts = Infinity): Draw {
  // Workloads come from a deck that is shuffled again when it is used up: a short list misses none.
  const deck = new Dice(seed, `deck ${Math.floor(index / DECK.length)}`).shuffled(DECK);
  const drawn = deck[index % DECK.length]!;
  const dice = new Dice(seed, `draw ${index}`);
  const hosts = dice.of(drawn.hosts.filter((count) => count <= mostHosts));
  const cores = dice.of(drawn.cores);
  const mtu = dice.of(MTUS);
  const shape = { hosts, cores, mtu: mtu === PROFILE_MTU ? USUAL_MTU : mtu };
  const settings = drawn.settings(dice, shape);
  const fault = faults(dice, drawn.withstands?.(settings) ?? 'anything');
  const options = {
    hosts,
    cores,
    profile: dice.of(PROFILES),
    ...(mtu !== PROFILE_MTU && { mtu }),
    ...(hosts === 2 && { topology: dice.of(['switch', 'switch', 'direct']) }),
    noise: dice.of(['on', 'on', 'off']),
    seed: dice.whole(1, SEEDS),
    ...(fault !== '' && { fault }),
    trace: dice.of(['headers', 'full']),
    ...(dice.oneIn(2) && { capture: 'captures' }),
    ...placement(dice, hosts, cores),
  };
  return { workload: drawn.workload, settings, options };
}

/** `--fault`, or an empty text for a fabric that does no harm. */
function faults(dice: Dice, withstands: Harm): string {
  if (withstands === 'nothing' || dice.oneIn(2)) return '';
  const share = (): string => dice.of(['1e-3', '1e-2', '5e-2']);
  const delayed = (): string => `delayed=${share()},delay=${dice.of(['500ns', '5us', '80us'])}`;
  if (withstands === 'delay') return delayed();
  const mixture = [
    ...(dice.oneIn(2) ? [`loss=${share()}`] : []),
    ...(dice.oneIn(2) ? [`duplicate=${share()}`] : []),
    ...(dice.oneIn(2) ? [`corrupt=${share()}`] : []),
    ...(dice.oneIn(2) ? [delayed()] : []),
  ];
  return mixture.join(',');
}

function placement(dice: Dice, hosts: number, cores: number): Draw['options'] {
  const runtimes = hosts * cores > MOST_THREADS ? ['inline'] : ['inline', 'worker'];
  const runtime = { 'core-runtime': dice.of(runtimes) };
  if (dice.oneIn(2)) return { placement: 'embedded', ...runtime };
  // One process exchanges no frames with another: seldom worth a draw.
  const processes = dice.oneIn(5) ? 1 : dice.whole(2, Math.min(hosts, MOST_PROCESSES));
  return { placement: 'process', processes, ...runtime };
}

/** The command line of a draw. */
export const argvOf = ({ workload, settings, options }: Draw): string[] => [
  ...['run', workload],
  ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
  ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]),
];

/** The first `count` draws of `seed`. */
export const drawRuns = (seed: number, count: number): PlannedRun[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `draw ${seed}:${index + 1}`,
    argv: argvOf(draw(seed, index)),
    seconds: DRAW_SECONDS,
  }));
