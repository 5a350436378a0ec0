/** Runs a bench program by `pinwire/embedded`, and times it in wall and processor seconds. */
import { runEmbedded } from '../coordinator/embedded/run-embedded.js';
import programs from './programs.js';

export interface EmbeddedBench {
  readonly kind: 'ping-pong' | 'stream' | 'frames' | 'datagrams';
  readonly size: number;
  readonly iterations: number;
  readonly outstanding: number;
  readonly noise: boolean;
}

export interface EmbeddedTiming {
  readonly wall: number;
  readonly cpu: number;
  readonly events: number;
  readonly packets: number;
}

/** Building the hosts is not timed. */
export async function runEmbeddedBench(bench: EmbeddedBench): Promise<EmbeddedTiming> {
  const { noise, ...params } = bench;
  let wall = 0;
  let cpu: NodeJS.CpuUsage | undefined;
  const { events, packets } = await runEmbedded({
    workload: programs,
    params,
    cores: 1,
    memory: 16 << 20,
    profile: 'cx4-edr',
    mtu: 4096,
    noise,
    onBegin: () => {
      wall = performance.now();
      cpu = process.cpuUsage();
    },
  });
  const used = process.cpuUsage(cpu);
  return {
    wall: (performance.now() - wall) / 1e3,
    cpu: (used.user + used.system) / 1e6,
    events,
    packets,
  };
}
