/**
 * Who is who in `host/vm-queues`. Host 0 has the machines; one core remains its own, for its software switch if it
 * needs one. Host 1 has everybody's peers, each with a receive queue of its own, so that nothing there gets into
 * another's way.
 *
 *     host 0   core 0  the host itself: watch     host 1   core 0  client    asks the critical VM
 *              core 1  VM 0, critical: server              core 1  drain     takes what the noisy VM sends
 *              core 2  VM 1, noisy: taker                  core 2  source    sends to the noisy VM
 *              core 3  VM 1, noisy: sender                 core 3  source    likewise
 */
import type { Endpoint } from '../../node/program/sockets.js';
import type { Instant } from '../../node/program/verbs.js';
import { PS_PER_MS } from '../../units/time.js';
import type { MachineRequest, RankPlacement } from '../authoring/workload.js';
import { isAttack, type VmQueuesParameters } from './vm-queues-parameters.js';

const CRITICAL = 0;
export const NOISY = 1;

export const RANK = {
  client: 0,
  server: 1,
  taker: 2,
  sender: 3,
  drain: 4,
  source: 5,
  otherSource: 6,
  watch: 7,
} as const;
export type TrafficRole = Exclude<keyof typeof RANK, 'otherSource'>;

/** A UDP port of each that is sent to. */
export const PORTS = { client: 7000, server: 7001, taker: 7002, drain: 7003 } as const;
export const ENDPOINTS = {
  client: { host: 1, port: PORTS.client },
  server: { host: 0, vm: CRITICAL, port: PORTS.server },
  taker: { host: 0, vm: NOISY, port: PORTS.taker },
  drain: { host: 1, port: PORTS.drain },
} as const satisfies Record<string, Endpoint>;

/** When the noise begins and ends, and the first request may be sent. */
export interface Schedule {
  readonly noise: Instant;
  readonly requests: Instant;
  readonly end: Instant;
}

/** Until everybody has heard of the schedule, and for the noise to fill queues. */
export const LEAD = PS_PER_MS;
export const SETTLING = PS_PER_MS / 2;
/** For what is still under way at the end. */
export const PATIENCE = 3 * PS_PER_MS;

/** Of one of the two machines that attack each other, or are attacked. */
export const ATTACK_RANK = { victim: 0, attacker: 1 } as const;
export const MACHINE_MEMORY = 8 * 2 ** 20;

export function placeRanks(params: VmQueuesParameters): RankPlacement[] {
  if (isAttack(params)) {
    return [
      { host: 0, core: 1, role: 'victim', vm: CRITICAL },
      { host: 0, core: 2, role: 'attacker', vm: NOISY },
    ];
  }
  return [
    { host: 1, core: 0, role: 'client' },
    { host: 0, core: 1, role: 'server', vm: CRITICAL },
    { host: 0, core: 2, role: 'taker', vm: NOISY },
    { host: 0, core: 3, role: 'sender', vm: NOISY },
    { host: 1, core: 1, role: 'drain' },
    { host: 1, core: 2, role: 'source' },
    { host: 1, core: 3, role: 'source' },
    { host: 0, core: 0, role: 'watch' },
  ];
}

export function machineOf(params: VmQueuesParameters): MachineRequest {
  const memory = MACHINE_MEMORY;
  const rate = isAttack(params) || params.rate === 0 ? undefined : params.rate;
  return {
    vms: [
      { host: 0, cores: [1], memory },
      // One queue: what comes is served on the taker's core.
      { host: 0, cores: [2, 3], memory, queues: 1, ...(rate && { rateGbps: rate }) },
    ],
    vmQueues: params.queues,
    ...(isAttack(params) && { iommu: params.iommu === 'on' }),
  };
}
