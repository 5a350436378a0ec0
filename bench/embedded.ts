/** Runs a bench program on an embedded machine, and times it in wall and processor seconds. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadProfile, noiseFree } from '../coordinator/profiles/profiles.js';
import { Machine } from '../node/process/machine.js';
import { PLAIN_MACHINE, type RunSpec } from '../node/spec/run-spec.js';

const PROGRAMS = new URL('./programs.js', import.meta.url).href;

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

export async function runEmbeddedBench(bench: EmbeddedBench): Promise<EmbeddedTiming> {
  const { kind, size, iterations, outstanding, noise } = bench;
  const loaded = loadProfile('cx4-edr', []);
  const profile = noise ? loaded : noiseFree(loaded);
  const spec: RunSpec = {
    hosts: 2,
    local: [0, 1],
    cores: 1,
    memory: 16 << 20,
    profile,
    mtu: 4096,
    topology: 'switch',
    clock: 'virtual',
    noise,
    seed: 1,
    until: Infinity,
    segmentLimit: 0,
    faults: null,
    capture: false,
    trace: 'headers',
    coreRuntime: 'inline',
    module: { kind: 'file', url: PROGRAMS },
    params: { kind, size, iterations, outstanding },
    programs: [
      { rank: 0, host: 0, core: 0, role: 'client', process: 0, vm: -1 },
      { rank: 1, host: 1, core: 0, role: 'server', process: 0, vm: -1 },
    ],
    machine: PLAIN_MACHINE,
    inputs: new Map(),
  };
  const machine = await Machine.create(spec, { remote: null, program: PROGRAMS });
  const wall = performance.now();
  const cpu = process.cpuUsage();
  while ((await machine.advance({ horizon: Infinity }, 20)) === 'yield') await nextTurn();
  const used = process.cpuUsage(cpu);
  const timing = {
    wall: (performance.now() - wall) / 1e3,
    cpu: (used.user + used.system) / 1e6,
    events: machine.events,
    packets: machine.packets,
  };
  if (machine.failure !== null) throw new Error(machine.failure.stack);
  if (machine.programsLeft > 0) throw new Error(machine.blocked.join('; '));
  await machine.close();
  return timing;
}
