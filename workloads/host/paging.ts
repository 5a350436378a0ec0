/**
 * `host/paging`: the operating system replaces a page while a device reads it, or writes into it. The driver is a
 * process that hands its device bus addresses; a neighbour that knows nothing of it gets the frame. With and without an
 * IOMMU, with the page pinned, not pinned, and by RDMA on memory that is paged on demand.
 */
import type { Core, Task } from '../../node/program/verbs.js';
import {
  defineWorkload,
  type ClusterShape,
  type ConfigurationResult,
  type Metric,
  type ParametersOf,
  type ParameterSpecs,
  type Summary,
} from '../authoring/workload.js';
import { driver, type PagingRecord } from './paging-driver.js';
import { neighbour } from './paging-neighbour.js';
import { peer } from './paging-peer.js';
import { DRIVER, type PagingParameters } from './paging-plan.js';

const PAGE = 4096;
/** RAM of a host in pages, and those that the neighbour has: it cannot have them all in memory. */
const FRAMES = 64;
const NEIGHBOURS = 96;

const CHOICES = {
  iommu: ['off', 'on'],
  memory: ['pinned', 'unpinned', 'odp'],
  direction: ['read', 'write'],
} as const;

const PARAMETERS = {
  iommu: {
    type: 'choice',
    choices: ['all', ...CHOICES.iommu],
    default: 'all',
    help: 'whether the device accesses memory through an IOMMU',
  },
  memory: {
    type: 'choice',
    choices: ['all', ...CHOICES.memory],
    default: 'all',
    help: 'the buffer: pinned, not pinned, or RDMA on an on-demand paging region',
  },
  direction: {
    type: 'choice',
    choices: ['all', ...CHOICES.direction],
    default: 'all',
    help: 'read: the NIC reads memory to send it; write: it writes what arrived',
  },
  size: { type: 'size', default: 1024, min: 64, max: 1400, help: 'bytes of the message' },
  at: {
    type: 'text',
    default: '0.5',
    help: 'when the page is replaced, as a fraction of the transfer, or a list of fractions',
  },
} as const satisfies ParameterSpecs;

type Asked = ParametersOf<typeof PARAMETERS>;

async function program(
  core: Core,
  { role, params }: Task<PagingParameters>,
): Promise<PagingRecord | undefined> {
  if (role === 'driver') return driver(core, params);
  await (role === 'neighbour' ? neighbour(core, NEIGHBOURS) : peer(core, params));
  return undefined;
}

function configurations(
  { iommu, memory, direction, size, at }: Asked,
  { clock }: ClusterShape,
): PagingParameters[] | string {
  if (clock === 'real')
    return 'host/paging needs --clock virtual: it replaces pages at exact moments';
  const moments = at.split(',').map(Number);
  if (!moments.every((at) => at >= 0 && at <= 1)) {
    return `at=${at}: expected a fraction from 0 to 1, or a list of them`;
  }
  return chosen(iommu, CHOICES.iommu).flatMap((iommu) =>
    chosen(memory, CHOICES.memory).flatMap((memory) =>
      chosen(direction, CHOICES.direction).flatMap((direction) =>
        moments.map((at) => ({ iommu, memory, direction, size, at })),
      ),
    ),
  );
}

const chosen = <Choice>(asked: Choice | 'all', all: readonly Choice[]): readonly Choice[] =>
  asked === 'all' ? all : [asked];

/** Physical addresses of memory that nobody holds: what cannot be safe. */
const isDangerous = ({ iommu, memory }: PagingParameters): boolean =>
  iommu === 'off' && memory === 'unpinned';

const bytes = (name: string, value: number): Metric => ({ name, unit: 'B', value });

function summarise(
  results: readonly (PagingRecord | undefined)[],
  params: PagingParameters,
): Summary {
  const record = results[DRIVER]!;
  const problems = [...record.problems];
  const dangerous = isDangerous(params);
  if (!dangerous && record.wrong + record.ruined > 0) problems.push('what had to be safe was not');
  if (dangerous && record.wrong === 0 && params.at !== 1) problems.push('nothing went wrong');
  const stopped = params.iommu === 'on' && params.memory === 'unpinned';
  if (stopped && record.faults === 0 && params.at !== 1) problems.push('the IOMMU stopped nothing');
  const window = record.window / 1e3;
  return {
    verified: problems.length === 0,
    ...(problems.length > 0 && { note: problems.slice(0, 3).join('; ') }),
    metrics: [
      bytes('wrong_bytes', record.wrong),
      bytes('ruined_bytes', record.ruined),
      bytes('moved_bytes', record.right),
      bytes('expected_bytes', record.expected),
      { name: 'iommu_faults', unit: 'count', value: record.faults },
      { name: 'window', unit: 'ns', value: window },
    ],
    counters: { transfers: record.transfers },
  };
}

/** Of all configurations: the wrong and ruined bytes where they had to be, and where they must not be. */
function compare(results: readonly ConfigurationResult<PagingParameters>[]): Summary | undefined {
  if (results.length < 2) return undefined;
  const sum = (name: string, dangerous: boolean): number =>
    results
      .filter(({ params }) => isDangerous(params) === dangerous)
      .flatMap(({ summary }) => summary.metrics)
      .reduce(
        (total, each) => (each.name === name && 'value' in each ? total + each.value : total),
        0,
      );
  const safeBytes = sum('wrong_bytes', false) + sum('ruined_bytes', false);
  return {
    verified: safeBytes === 0 && results.every(({ summary }) => summary.verified === true),
    note: 'a page that is not pinned, behind no IOMMU, is the one case in which bytes are wrong or ruined',
    metrics: [
      bytes('wrong_bytes', sum('wrong_bytes', true)),
      bytes('ruined_bytes', sum('ruined_bytes', true)),
      bytes('safe_wrong_bytes', sum('wrong_bytes', false)),
      bytes('safe_ruined_bytes', sum('ruined_bytes', false)),
      { name: 'iommu_faults', unit: 'count', value: sum('iommu_faults', false) },
    ],
  };
}

export default defineWorkload({
  name: 'host/paging',
  summary:
    'a page replaced while a device reads or writes it: pinned or not, with and without an IOMMU',
  parameters: PARAMETERS,
  hosts: 2,
  minHosts: 2,
  configurations,
  machine: ({ iommu }) => ({
    iommu: iommu === 'on',
    memory: FRAMES * PAGE,
    pager: 'lru',
  }),
  place: () => [
    { host: 0, core: 0, role: 'driver', process: 0 },
    { host: 0, core: 1, role: 'neighbour', process: 1 },
    { host: 1, core: 0, role: 'peer' },
  ],
  program,
  summarise,
  compare,
});
