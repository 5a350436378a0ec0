/**
 * What is compared: a drawn run, and the placements that must give it the same results. Draws come from the deck of
 * `npm run digests`; what that leaves alone is added here: other hardware, and a last instant.
 */
import { Dice } from '../digests/dice.js';
import { argvOf, draw, MOST_PROCESSES, MOST_THREADS, type Draw } from '../digests/draw.js';
import type { Settings } from '../digests/workload-draws.js';

/** Where the hosts of a run are: options by name, without the dashes. */
export type Placement = Readonly<Record<string, string>>;

export interface PlacedDraw {
  /** `draw 1:12`: of which seed, and which one of it. */
  readonly name: string;
  readonly draw: Draw;
  /** Programs run one after the other in one thread: the order that all others have to give. */
  readonly serial: Placement;
  readonly others: readonly Placement[];
}

/** Processes are started for each number of hosts: most draws share a few of them. */
const USUAL_HOSTS = 4;
/** Changes that bring instants together, or have frames lost without a fault. */
const OVERRIDES = [
  ...['kernel.rx_usecs=0us', 'cpu.syscall=0ns', 'cpu.poll=0ns', 'nic.posted_write=0ns'],
  ...['switch.latency=0ns', 'nic.tx=0ns', 'management.latency=150ns', 'switch.buffer=16KiB'],
] as const;
const LAST_INSTANTS = ['20us', '150us', '1ms'] as const;

const EMBEDDED: Placement = { placement: 'embedded', 'core-runtime': 'inline' };

/** Draw `index` of `seed`, from 0 on. It depends on nothing else. */
export function placedDraw(seed: number, index: number): PlacedDraw {
  const dice = new Dice(seed, `placements ${index}`);
  const drawn = draw(seed, index, dice.oneIn(8) ? Infinity : USUAL_HOSTS);
  const { workload, settings } = drawn;
  const hosts = Number(drawn.options['hosts']);
  const options = Object.fromEntries(
    Object.entries(drawn.options).filter(([name]) => !PLACEMENT_OPTIONS.has(name)),
  );
  const threads = hosts * Number(options['cores']);
  const worker = threads > MOST_THREADS ? 'inline' : 'worker';
  const several = (): number => dice.whole(2, Math.min(hosts, MOST_PROCESSES));
  return {
    name: `draw ${seed}:${index + 1}`,
    draw: {
      workload,
      settings: smaller(otherPath(dice, settings)),
      options: {
        ...options,
        ...(dice.oneIn(3) && { override: dice.of(OVERRIDES) }),
        ...(dice.oneIn(12) && { until: dice.of(LAST_INSTANTS) }),
      },
    },
    serial: EMBEDDED,
    others: [over(1, worker), over(several(), dice.of([worker, 'inline']))],
  };
}

/** Verbs have most cards of the deck: some become sockets, where the kernel shares a core with its program. */
const otherPath = (dice: Dice, settings: Settings): Settings =>
  settings['path'] === 'rdma' && settings['protocol'] === undefined && dice.oneIn(2)
    ? { ...settings, path: dice.of(['kernel', 'busy-poll']) }
    : settings;

/** What shows in a hundred repetitions shows in ten, and a window of virtual time over processes takes its time. */
const smaller = (settings: Settings): Settings =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      const most = REPETITIONS[name];
      return [
        name,
        most !== undefined && typeof value === 'number' ? Math.min(value, most) : value,
      ];
    }),
  );

const REPETITIONS: Readonly<Record<string, number>> = {
  iterations: 8,
  warmup: 1,
  messages: 50,
  accesses: 20,
};

const PLACEMENT_OPTIONS = new Set(['placement', 'processes', 'core-runtime']);

const over = (processes: number, runtime: string): Placement => ({
  placement: 'process',
  processes: String(processes),
  'core-runtime': runtime,
});

const words = (placement: Placement): string =>
  Object.entries(placement)
    .map(([option, value]) => `--${option} ${value}`)
    .join(' ');

/** For people: `over 2 processes, worker`. */
export const describePlacement = (placement: Placement): string => {
  const { processes, 'core-runtime': runtime } = placement;
  if (processes === undefined) return `embedded, ${runtime!}`;
  return `over ${processes} process${processes === '1' ? '' : 'es'}, ${runtime!}`;
};

/** One line of shell that repeats a draw in both placements. */
export const repeatingCommand = (drawn: Draw, a: Placement, b: Placement): string =>
  `for place in '${words(a)}' '${words(b)}'; do ` +
  `npx pinwire ${argvOf(drawn).join(' ')} $place --quiet --json -; done`;
