/** The workloads that come with pinwire, and the suites made of them. Each is loaded only when it is asked for. */
import type { Parameters, Workload } from './authoring/workload.js';

export interface CatalogueEntry {
  readonly name: string;
  load(): Promise<{ readonly default: Workload }>;
  /** The built module, for the processes that run its program. */
  readonly moduleUrl: string;
}

export interface SuiteMember {
  readonly name: string;
  /** Parameters that differ from the workload's defaults. */
  readonly params?: Parameters;
}

/** The module of a workload is named as the workload is. */
const entry = (name: string, load: CatalogueEntry['load']): CatalogueEntry => ({
  name,
  load,
  moduleUrl: new URL(`./${name}.js`, import.meta.url).href,
});

export const CATALOGUE: readonly CatalogueEntry[] = [
  entry('micro/send-lat', () => import('./micro/send-lat.js')),
  entry('micro/write-lat', () => import('./micro/write-lat.js')),
  entry('micro/read-lat', () => import('./micro/read-lat.js')),
  entry('micro/atomic-lat', () => import('./micro/atomic-lat.js')),
  entry('micro/send-bw', () => import('./micro/send-bw.js')),
  entry('micro/write-bw', () => import('./micro/write-bw.js')),
  entry('micro/read-bw', () => import('./micro/read-bw.js')),
  entry('micro/msg-rate', () => import('./micro/msg-rate.js')),
  entry('host/pinning', () => import('./host/pinning.js')),
  entry('host/paging', () => import('./host/paging.js')),
  entry('host/memlock', () => import('./host/memlock.js')),
  entry('host/rss', () => import('./host/rss.js')),
  entry('host/vm-queues', () => import('./host/vm-queues.js')),
  entry('host/paths', () => import('./host/paths.js')),
  entry('hpc/allreduce', () => import('./hpc/allreduce.js')),
  entry('trading/tick-to-trade', () => import('./trading/tick-to-trade.js')),
];

const MICRO: readonly SuiteMember[] = [
  { name: 'micro/send-lat', params: { size: '2,64,256,1KiB,4KiB,64KiB' } },
  { name: 'micro/write-lat', params: { size: '2,64,256,1KiB,4KiB,64KiB' } },
  { name: 'micro/read-lat', params: { size: '2,64,256,1KiB,4KiB,64KiB' } },
  { name: 'micro/atomic-lat' },
  { name: 'micro/atomic-lat', params: { op: 'cas' } },
  { name: 'micro/send-bw', params: { size: '64,1KiB,8KiB,64KiB,1MiB' } },
  { name: 'micro/write-bw', params: { size: '64,1KiB,8KiB,64KiB,1MiB' } },
  { name: 'micro/read-bw', params: { size: '64,1KiB,8KiB,64KiB,1MiB' } },
  { name: 'micro/msg-rate' },
];

const HOST: readonly SuiteMember[] = [
  { name: 'host/pinning' },
  { name: 'host/memlock' },
  { name: 'host/rss' },
  { name: 'host/rss', params: { queues: 'cores', steering: 'rss', flows: '1,16,1024,10000' } },
  { name: 'host/rss', params: { queues: 'cores', steering: 'rss', table: 'skewed,repaired' } },
  { name: 'host/rss', params: { queues: 'cores', placement: 'scattered' } },
  { name: 'host/vm-queues' },
  { name: 'host/paths' },
  // What the same ways make of a collective operation, and of trading.
  { name: 'hpc/allreduce', params: { path: 'all', iterations: '50' } },
  { name: 'trading/tick-to-trade', params: { path: 'all', shape: 'day', messages: 500 } },
  { name: 'host/paging' },
  {
    name: 'host/paging',
    params: { iommu: 'off', memory: 'unpinned', at: '0,0.125,0.25,0.375,0.5,0.625,0.75,0.875,1' },
  },
];

const HPC: readonly SuiteMember[] = [
  { name: 'hpc/allreduce', params: { size: '8,1KiB,8KiB,64KiB,512KiB' } },
];

const TRADING: readonly SuiteMember[] = [
  { name: 'trading/tick-to-trade' },
  { name: 'trading/tick-to-trade', params: { shape: 'day', rate: 1e6 } },
];

export const SUITES: Readonly<Record<string, readonly SuiteMember[]>> = {
  micro: MICRO,
  host: HOST,
  hpc: HPC,
  trading: TRADING,
  all: [...MICRO, ...HOST, ...HPC, ...TRADING],
  demo: [
    { name: 'micro/send-lat', params: { size: '8,256,4KiB' } },
    { name: 'micro/write-lat' },
    { name: 'micro/read-lat' },
    { name: 'micro/atomic-lat' },
    { name: 'micro/write-bw', params: { size: '64,1KiB,16KiB,256KiB' } },
    { name: 'micro/msg-rate' },
    { name: 'hpc/allreduce' },
    { name: 'trading/tick-to-trade', params: { messages: 300 } },
  ],
};
