/** Calls whose arguments are of any kind: each is refused with an errno, or done, and none ends the run. */
import { describe, expect, it } from 'vitest';
import type { ProgramPort } from '../../../../node/program/program-port.js';
import { VerbsError, type Core } from '../../../../node/program/verbs.js';
import { RandomStream } from '../../../../sim/random.js';
import { runEmbedded } from '../../../embedded.js';

const NAMES = [
  ...['queryDevice', 'allocate', 'translate', 'mmap', 'munmap', 'mlock', 'munlock', 'madvise'],
  ...['setrlimitMemlock', 'access', 'touch', 'pin', 'unpin', 'pagemap', 'usage', 'exitChild'],
  ...['allocatePd', 'deallocatePd', 'registerMemory', 'reregisterMemory', 'deregisterMemory'],
  ...['createCq', 'destroyCq', 'requestNotify', 'createQp', 'modifyQp', 'queryQp', 'destroyQp'],
  ...['mapDma', 'unmapDma', 'iommuFaults', 'dmaHazards', 'attachFlow', 'detachFlow', 'tell'],
  ...['changeDevice', 'deviceStatistics', '__proto__', 'constructor', ''],
];

const VALUES = [
  ...[0, 1, 2, 3, -1, 0.5, 1e9, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 60, -(2 ** 60), 0x10_0000_1000],
  ...[null, '', 'x', '1', true, false, [], [1], {}, { a: 1 }],
];

const KEYS = [
  ...['qp', 'cq', 'pd', 'flow', 'mapping', 'key', 'handle', 'child', 'sendCq', 'recvCq', 'rank'],
  ...['address', 'length', 'access', 'write', 'pin', 'huge', 'populate', 'advice', 'bytes', 'iova'],
  ...['rule', 'attributes', 'mask', 'sends', 'receives', 'type', 'cap', 'sqSigAll', 'capacity'],
  ...['busAddresses', 'solicitedOnly', 'value', 'what', 'match', 'change'],
];

const SETTINGS = [
  ...['channels', 'equal', 'weight', 'table', 'default', 'key', 'steering', 'rule', 'delete-rule'],
  ...['coalesce', 'nothing'],
];
const SETTING_KEYS = [
  ...['count', 'start', 'weights', 'queues', 'key', 'mode', 'match', 'queue', 'target', 'location'],
  ...['rxUsecs', 'rxFrames'],
];
const FIELDS = [
  ...['destinationMac', 'vlan', 'etherType', 'protocol', 'sourceIp', 'destinationIp', 'sourcePort'],
  ...['destinationPort', 'source', 'destination'],
];
const ATTRIBUTES = [
  ...['state', 'curState', 'accessFlags', 'pkeyIndex', 'port', 'ahHost', 'pathMtu', 'timeout'],
  ...['retryCnt', 'rnrRetry', 'rqPsn', 'sqPsn', 'maxRdAtomic', 'maxDestRdAtomic', 'destQpNum'],
];
const CAPS = ['maxSendWr', 'maxRecvWr', 'maxSendSge', 'maxRecvSge', 'maxInlineData'];

describe('calls with arguments of any kind', () => {
  it.each([1, 2, 3, 4])('are answered, and the host goes on: seed %i', async (seed) => {
    const { values: results, failure } = await runEmbedded({
      hosts: 1,
      machine: { iommu: seed % 2 === 0 },
      program: async (core: Core) => {
        const { port } = core as unknown as { readonly port: ProgramPort };
        const random = new RandomStream(seed, 'calls');
        const pick = <T>(from: readonly T[]): T => from[Math.floor(random.unit() * from.length)]!;
        const context = await core.openDevice();
        const pd = await context.allocatePd();
        const cq = await context.createCq(16);
        await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, busAddresses: true });
        let answered = 0;
        for (let i = 0; i < 3000; i++) {
          const any = (keys: readonly string[]): object =>
            Object.fromEntries(keys.map((key) => [key, pick(VALUES)]));
          const some = (keys: readonly string[]): object =>
            any(keys.filter(() => random.unit() < 0.3));
          const args: Record<string, unknown> = { ...any(KEYS) };
          // Mostly such that one looks at the rest.
          if (random.unit() < 0.8) {
            Object.assign(args, {
              qp: pick([0, 1, 2]),
              cq: pick([0, 1]),
              pd: 1,
              sendCq: 0,
              recvCq: 0,
            });
            args['rule'] = some(FIELDS);
            args['change'] = { what: pick(SETTINGS), ...any(SETTING_KEYS), match: some(FIELDS) };
            args['attributes'] = {
              state: pick(['RESET', 'INIT', 'RTR', 'RTS', 'ERR']),
              ...some(ATTRIBUTES),
            };
            args['mask'] = Math.floor(random.unit() * 2 ** 21);
            args['cap'] = { ...Object.fromEntries(CAPS.map((name) => [name, 4])), ...some(CAPS) };
            args['type'] = pick(['RC', 'RAW_PACKET']);
            args['address'] = 0x10_0000_1000 + pick([0, 4096, -4096, 1]);
            args['length'] = pick([1, 4096, 8192, 0, 2 ** 21]);
          }
          try {
            await port.call(pick(NAMES) as never, args as never);
          } catch (error) {
            if (!(error instanceof VerbsError)) throw error;
          }
          answered++;
        }
        return answered;
      },
    });
    expect(failure?.stack).toBeUndefined();
    expect(results).toEqual([3000]);
  });
});
