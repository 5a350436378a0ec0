/**
 * A network function's settings as root changes them with ethtool: queues, indirection, key, rules, moderation; and
 * what it counted. Each setting answers as the ioctl would, or throws its errno with ethtool's words.
 */
import { DROP_TARGET, RAW_TARGET, type FlowMatch } from '../nic/flow-table.js';
import { STEERING_MODES } from '../nic/receive-steering.js';
import type { Refusal } from '../nic/refusal.js';
import { MICROSOFT_KEY, SYMMETRIC_KEY } from '../nic/toeplitz.js';
import type { DeviceChange, DeviceStatistics } from '../../program/sockets.js';
import type { FlowRule } from '../../program/verbs.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { Kernel } from './kernel.js';

const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const PS_PER_US = 1e6;

/** A rule as the NIC has it. */
export function matchOf(rule: FlowRule): FlowMatch {
  const { protocol, sourceIp, destinationIp, ...rest } = rule;
  if (protocol !== undefined && !Object.hasOwn(PROTOCOLS, protocol)) {
    throw new VerbsError('EINVAL', `no protocol ${JSON.stringify(protocol)}`);
  }
  return {
    ...rest,
    ...(protocol !== undefined && { protocol: PROTOCOLS[protocol] }),
    ...(sourceIp !== undefined && { source: sourceIp }),
    ...(destinationIp !== undefined && { destination: destinationIp }),
  };
}

const isStructure = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** What a change holds besides numbers must be of its kind: a program may come with anything. */
function checkKinds(change: DeviceChange): void {
  const fits =
    (change.what !== 'weight' || Array.isArray(change.weights)) &&
    (change.what !== 'table' || Array.isArray(change.queues)) &&
    (change.what !== 'key' || typeof change.key === 'string') &&
    (change.what !== 'channels' || Number.isInteger(change.count)) &&
    (change.what !== 'rule' || isStructure(change.match));
  if (!fits) throw new VerbsError('EINVAL', `a ${change.what} of another kind`);
}

/** Makes one change; a rule's answer is its location, every other 0. */
export function changeDevice({ networkFunction, queues }: Kernel, change: DeviceChange): number {
  const { steering } = networkFunction;
  checkKinds(change);
  switch (change.what) {
    case 'channels':
      if (!(change.count <= queues.length)) {
        throw new VerbsError('EINVAL', `Cannot set device channel parameters: Invalid argument`);
      }
      return done(steering.setQueues(change.count));
    case 'equal':
      return done(steering.table.equal(change.count, change.start));
    case 'weight':
      return done(steering.table.weight(change.weights));
    case 'table':
      return done(steering.table.set(change.queues));
    case 'default':
      steering.table.reset();
      return 0;
    case 'key':
      if (change.key === 'symmetric') return done(steering.setKey(SYMMETRIC_KEY));
      if (change.key === 'microsoft') return done(steering.setKey(MICROSOFT_KEY));
      return done(steering.setKey(keyBytes(change.key)));
    case 'steering':
      if (!STEERING_MODES.includes(change.mode)) {
        throw new VerbsError('EINVAL', `steering ${change.mode as string}`);
      }
      steering.mode = change.mode;
      return 0;
    case 'rule': {
      const target = change.queue === 'drop' ? DROP_TARGET : change.queue;
      if (target >= RAW_TARGET) throw new VerbsError('EINVAL', `no queue ${target}`);
      const added = steering.addRule(matchOf(change.match), target, 0, change.location);
      return typeof added === 'number' ? added : done(added);
    }
    case 'delete-rule':
      return done(steering.rules.delete(change.location));
    case 'coalesce': {
      const { rxUsecs, rxFrames } = change;
      if (!(rxUsecs >= 0) || !Number.isInteger(rxFrames) || rxFrames < 1) {
        throw new VerbsError('EINVAL', 'Cannot set device coalesce parameters: Invalid argument');
      }
      for (const { moderation } of queues) {
        moderation.rxUsecs = Math.ceil(rxUsecs * PS_PER_US);
        moderation.rxFrames = rxFrames;
      }
      return 0;
    }
    default:
      throw new VerbsError('EOPNOTSUPP', 'no such setting');
  }
}

export function deviceStatistics(kernel: Kernel): DeviceStatistics {
  const { networkFunction, queues, cores, now } = kernel;
  const { packets } = kernel.flows;
  return {
    table: networkFunction.steering.table.show('eth0'),
    queues: queues.map(({ ring, moderation, core }) => ({
      core: core.index,
      frames: ring.frames,
      missed: ring.missed,
      interrupts: moderation.interrupts,
    })),
    cores: cores.flatMap((core) =>
      core === undefined
        ? []
        : [
            {
              core: core.index,
              taken: core.takenBy(now),
              idle: core.idleBy(now),
              warm: packets.warm[core.index] ?? 0,
              moved: packets.moved[core.index] ?? 0,
              cold: packets.cold[core.index] ?? 0,
            },
          ],
    ),
    protocols: { ...kernel.stack.counters },
  };
}

/** Throws what a setting was refused with; 0 if it was not. */
export function done(refusal: Refusal | null): number {
  if (refusal === null) return 0;
  throw new VerbsError(refusal.errno, refusal.message);
}

/** `ethtool -X hkey 6d:5a:...`. */
function keyBytes(text: string): number[] {
  const parts = text.split(':');
  if (!parts.every((part) => /^[0-9a-f]{1,2}$/i.test(part))) {
    throw new VerbsError('EINVAL', 'Invalid RSS hash key format');
  }
  return parts.map((part) => parseInt(part, 16));
}
