import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reproducible, until } from '../pinwire.js';
import { Namespaces, orSkipped, ROUTER_ADDRESS, whyNoNamespaces } from './namespaces.js';
import { CLEAR_PATH, Relay, type Path, type Route } from './relay.js';
import { CLIENT, CONTROL_PORT, COORDINATOR, FABRIC_PORT, Site } from './site.js';

const ECHO = join(import.meta.dirname, 'scripts', 'echo.js');
const HOSTS = ['m0', 'm1', 'm2'];
const ECHO_PORT = 7000;
/** On the router; 9000 is the coordinator. */
const OUTSIDE = 9000;
const ECHO_OUTSIDE = 9100;
const outsideOf = (host: string): number => OUTSIDE + 1 + HOSTS.indexOf(host);

/** At most 200 ping-pongs, the warm-up among them. */
const PING_PONGS = ['run', 'micro/write-lat', '--set', 'iterations=190', '--seed', '5'];
const ALLREDUCE = ['run', 'hpc/allreduce', '--set', 'iterations=10', '--seed', '3'];

const DELAY_MS = 5;
/** For commands to start on a computer that has other work. */
const START_MS = 60_000;

const why = whyNoNamespaces();

describe.skipIf(why !== '')(
  orSkipped('machines that reach each other only by advertised addresses', why),
  () => {
    let machines: Namespaces;
    let site: Site;
    let relay: Relay;

    beforeAll(async () => {
      machines = new Namespaces([COORDINATOR, ...HOSTS, CLIENT], { forwarding: false });
      const routes: Route[] = [
        { machine: COORDINATOR, port: CONTROL_PORT, outside: OUTSIDE },
        { machine: COORDINATOR, port: ECHO_PORT, outside: ECHO_OUTSIDE },
        ...HOSTS.map((machine) => ({ machine, port: FABRIC_PORT, outside: outsideOf(machine) })),
      ];
      relay = await Relay.open(machines, routes, CLEAR_PATH);
      const echo = machines.node(
        COORDINATOR,
        [ECHO, 'listen', machines.address(COORDINATOR), String(ECHO_PORT)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(echo.stdout!, 'data');
      site = new Site({
        machines,
        hosts: HOSTS,
        url: `ws://${ROUTER_ADDRESS}:${OUTSIDE}`,
        cores: 1,
        joinWith: (host) => [
          ...['--listen', `${machines.address(host)}:${FABRIC_PORT}`],
          ...['--advertise', `${ROUTER_ADDRESS}:${outsideOf(host)}`],
        ],
      });
      await Promise.all([site.embedded(PING_PONGS), site.embedded(ALLREDUCE)]);
      await site.run(ALLREDUCE);
    }, START_MS);
    afterAll(() => machines.destroy());

    /** The mean round trip between two machines, in seconds, as programs see it. */
    function roundTrip(): number {
      const to = [ROUTER_ADDRESS, String(ECHO_OUTSIDE), '40'];
      const said = machines.run('m0', [process.execPath, ECHO, 'ask', ...to]);
      const { roundTrips } = JSON.parse(said) as { roundTrips: number[] };
      return roundTrips.reduce((sum, each) => sum + each, 0) / roundTrips.length / 1000;
    }

    /** Runs over the path; the results are those of one process, and the time is what the rounds cost. */
    async function runsOver(path: Path, args: readonly string[]): Promise<void> {
      const expected = await site.embedded(args);
      await relay.setPath({ ...path, loss: 0 });
      const r = roundTrip();
      const before = await relay.setPath(path);
      const results = await site.run(args);
      const after = await relay.setPath(CLEAR_PATH);
      expect(reproducible(results)).toBe(expected);

      const { rounds, wall_s: wall, packets } = results.run;
      const lost = after.lost - before.lost;
      console.log(
        `${args[1]!}: ${rounds} rounds, ${packets} packets, R ${(r * 1000).toFixed(1)} ms: ${wall.toFixed(2)} s, ` +
          `${(wall / (rounds * r)).toFixed(2)} of rounds x R; ${lost} of ${after.chunks - before.chunks} chunks lost`,
      );
      // Whatever is lost on any link delays everybody, by no more than its retransmission.
      const waitsForLost = (lost * path.retransmissionMs) / 1000;
      expect(wall).toBeLessThan(1.5 * rounds * r + waitsForLost + 1);
      // There is no way around the path.
      expect(wall).toBeGreaterThan((rounds / 2) * (path.delayMs / 1000));
    }

    test('run what one process runs, over every link there is', async () => {
      const before = await relay.statistics();
      await runsOver(CLEAR_PATH, ALLREDUCE);
      const { bytes } = await relay.statistics();
      expect(bytes - before.bytes).toBeGreaterThan(10_000);
    });

    test('take a round trip for each round over a long path, and no more', async () => {
      const path = { ...CLEAR_PATH, delayMs: DELAY_MS };
      await runsOver(path, PING_PONGS);
      await runsOver(path, ALLREDUCE);
    });

    test('give the same over a path that delays, varies and loses', async () => {
      await runsOver({ ...CLEAR_PATH, delayMs: DELAY_MS, jitterMs: 4, loss: 0.01 }, PING_PONGS);
    });

    test('link up anew when what is between them forgets their connections', async () => {
      const { connections } = await relay.reset('m1');
      // A run that begins before the coordinator knows fails like one that was on.
      const lost = /lost its link with host\d \(m\d/;
      await until(() => lost.test(site.coordinator.stderr), 'the loss of a link');
      const results = await site.run(ALLREDUCE);
      expect(reproducible(results)).toBe(await site.embedded(ALLREDUCE));
      expect((await relay.statistics()).connections).toBeGreaterThan(connections);
    });

    test('give the same over a narrow path', async () => {
      await runsOver({ ...CLEAR_PATH, delayMs: 1, mbps: 10 }, ALLREDUCE);
    });
  },
);
