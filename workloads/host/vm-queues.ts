/**
 * `host/vm-queues`: a latency-critical virtual machine beside a noisy one on the same host.
 *
 *     shared  the host has one receive queue; a software switch on one of its cores takes every frame to its machine, and from it
 *     own     each machine has a network function with its own queues (SR-IOV); the host's kernel sees nothing of its frames
 *
 * A client on the other host asks the critical machine at random times, answered or not; latency is from the intended
 * request to the answer. Beside it the noisy machine sends as fast as a core can, and is sent to as fast as a core can,
 * with and without a limit to its rate. Last, one machine has its NIC write into the other's memory, with and without
 * an IOMMU.
 */
import type { Core, Task } from '../../node/program/verbs.js';
import { defineWorkload } from '../authoring/workload.js';
import { attacker, victim, type AttackerReport, type VictimReport } from './vm-attack.js';
import { machineOf, placeRanks, PORTS, type TrafficRole } from './vm-plan.js';
import {
  isAttack,
  VM_QUEUES_PARAMETERS,
  vmQueuesConfigurations,
  type VmQueuesParameters,
} from './vm-queues-parameters.js';
import { compareQueues, summariseAttack, summariseTraffic } from './vm-queues-summary.js';
import { client, sends, server, takes, watches } from './vm-traffic.js';

function program(core: Core, { role, params }: Task<VmQueuesParameters>): Promise<unknown> {
  if (isAttack(params)) return role === 'victim' ? victim(core) : attacker(core, params);
  const { noise } = params;
  switch (role as TrafficRole) {
    case 'client':
      return client(core, params);
    case 'server':
      return server(core);
    case 'taker':
      return takes(core, params, PORTS.taker);
    case 'drain':
      return takes(core, params, PORTS.drain);
    case 'sender':
      return sends(core, params, 'drain', noise === 'none' || noise === 'in');
    case 'source':
      return sends(core, params, 'taker', noise === 'none' || noise === 'out');
    case 'watch':
      return watches(core);
  }
}

export default defineWorkload({
  name: 'host/vm-queues',
  summary:
    'A latency-critical virtual machine beside a noisy one: a shared queue against separate queues',
  hosts: 2,
  minHosts: 2,
  parameters: VM_QUEUES_PARAMETERS,
  configurations: vmQueuesConfigurations,
  machine: machineOf,
  place: placeRanks,
  program,
  summarise: (results, params) =>
    isAttack(params)
      ? summariseAttack(results as [VictimReport, AttackerReport], params)
      : summariseTraffic(results, params),
  compare: compareQueues,
});
