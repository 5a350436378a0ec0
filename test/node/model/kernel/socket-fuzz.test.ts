/**
 * Whatever a program gives the socket calls, it gets an errno or an answer: never an exception of ours, nor another's
 * memory.
 */
import { describe, expect, it } from 'vitest';
import { openNetwork, type Endpoint } from '../../../../node/program/sockets.js';
import { VerbsError, type Core, type Picoseconds } from '../../../../node/program/verbs.js';
import { RandomStream } from '../../../../sim/random.js';
import { runEmbedded } from '../../../embedded.js';

const SECRET = 0xa5;
const CALLS = 400;

const NUMBERS = [
  0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  7,
  64,
  1472,
  1473,
  4096,
  65_535,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  -(2 ** 40),
  1e300,
];

interface Outcome {
  readonly refused: number;
  readonly other: readonly string[];
}

async function attack(core: Core, seed: number): Promise<Outcome> {
  const random = new RandomStream(seed, 'attack');
  const network = await openNetwork(core);
  const memory = await core.allocate(8192);
  const pageable = await core.mmap(8192);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.unit() * from.length)]!;
  const number = (): number => pick([...NUMBERS, memory.address, pageable.address + 4090]);
  const endpoint = (): Endpoint =>
    pick<Endpoint>([
      { host: 0, port: number() },
      { host: 99, port: 9 },
      { address: '255.255.255.255', port: 9 },
      { address: '0.0.0.0', port: 1 },
      { address: 'x', port: 1 },
    ]);
  const socket = await network.udp(4000);
  const calls: (() => Promise<unknown>)[] = [
    () => network.udp(number()),
    () => network.listen(number(), number()),
    () => socket.sendTo(endpoint(), number(), number()),
    () => socket.tryReceive(number(), number()),
    () => socket.join(pick(['224.0.0.1', '1.1.1.1', '', '300.1.1.1'])),
    () => socket.leave('224.9.9.9'),
    () => core.read(number(), number() % 10_000),
    () => core.write(number(), new Uint8Array(64).fill(1)),
  ];
  let refused = 0;
  const other: string[] = [];
  for (let i = 0; i < CALLS; i++) {
    try {
      await pick(calls)();
    } catch (error) {
      if (error instanceof VerbsError) refused++;
      else other.push(String((error as Error).stack));
    }
  }
  return { refused, other: other.slice(0, 3) };
}

describe('the socket calls of a program', () => {
  it.each([1, 2, 3, 4])(
    'answer wild arguments with errnos, and harm nobody: seed %i',
    async (seed) => {
      const run = await runEmbedded({
        noise: false,
        memory: 32 << 20,
        programs: [
          { host: 0, core: 0, role: 'attacker', process: 0 },
          { host: 0, core: 1, role: 'victim', process: 1 },
        ],
        hosts: 2,
        program: async (core: Core) => {
          if (core.index === 0) return attack(core, seed);
          const memory = await core.allocate(65_536);
          await core.write(memory.address, new Uint8Array(65_536).fill(SECRET));
          await core.sleep(1e12 as Picoseconds);
          const bytes = await core.read(memory.address, 65_536);
          return bytes.every((byte) => byte === SECRET);
        },
      });
      expect(run.failure).toBeNull();
      const outcome = run.values[0] as Outcome;
      expect(outcome.other).toEqual([]);
      expect(outcome.refused).toBeGreaterThan(CALLS / 2);
      expect(run.values[1]).toBe(true);
    },
  );
});
