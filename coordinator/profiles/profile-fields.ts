/**
 * Every number of a profile: its key in the data files and on the command line, the kind of its unit,
 * and the values that make sense. The shape is node/spec/profile.ts's, so a field that is missing here does not
 * compile.
 */
import type { Cost, Profile } from '../../node/spec/profile.js';
import type { PicosecondsPerByte } from '../../units/rate.js';
import type { Picoseconds } from '../../units/time.js';
import { PS_PER_MS, PS_PER_S } from '../../units/time.js';

export type Kind = 'cost' | 'time' | 'rate' | 'flops' | 'size' | 'buffer' | 'count' | 'choice';

/** `least` and `most` are in the kind's base unit: picoseconds, Gb/s, Gflop/s, bytes, or a plain count. */
export interface Field<K extends Kind = Kind> {
  readonly key: string;
  readonly kind: K;
  readonly least: number;
  readonly most: number;
  /** For a choice, the words; for a size, the only sizes there are. */
  readonly allowed: readonly (string | number)[] | null;
}

type KindOf<T> = T extends Cost
  ? 'cost'
  : T extends Picoseconds
    ? 'time'
    : T extends PicosecondsPerByte
      ? 'rate'
      : T extends string
        ? 'choice'
        : 'flops' | 'size' | 'buffer' | 'count';

export type Group = Exclude<keyof Profile, 'name' | 'title'>;

type FieldTable = {
  readonly [G in Group]: { readonly [F in keyof Profile[G]]: Field<KindOf<Profile[G][F]>> };
};

const field = <K extends Kind>(
  kind: K,
  key: string,
  least: number,
  most: number,
  allowed: Field['allowed'] = null,
): Field<K> => ({ key, kind, least, most, allowed });

const cost = (key: string): Field<'cost'> => field('cost', key, 0, PS_PER_MS);
const time = (key: string, most = PS_PER_MS): Field<'time'> => field('time', key, 0, most);
const rate = (key: string): Field<'rate'> => field('rate', key, 1e-3, 1e5);
const size = (key: string, least: number, most: number): Field<'size'> =>
  field('size', key, least, most);
const count = (key: string, most: number): Field<'count'> => field('count', key, 1, most);
const choice = (key: string, ...words: string[]): Field<'choice'> =>
  field('choice', key, 0, 0, words);

function powerOfTwo(key: string, least: number, most: number): Field<'size'> {
  const sizes: number[] = [];
  for (let bytes = least; bytes <= most; bytes *= 2) sizes.push(bytes);
  return field('size', key, least, most, sizes);
}

/** QP numbers have 24 bits, of which 0 and 1 are the management QPs and 0xffffff is multicast (IBTA 3.5.10). */
const MOST_QPS = 2 ** 24 - 3;

/**
 * The three crossings of the bus that a user thinks of as the NIC's are `nic.` keys, though the model has them under
 * `pcie`.
 */
const FIELDS = {
  cpu: {
    post: cost('cpu.post'),
    doorbell: cost('cpu.doorbell'),
    poll: cost('cpu.poll'),
    pollPeriod: time('cpu.poll_period'),
    syscall: cost('cpu.syscall'),
    copy: rate('cpu.copy'),
    register: time('cpu.register', PS_PER_S),
    registerPage: time('cpu.register_page'),
    deregisterPage: time('cpu.deregister_page'),
    registerHugePage: time('cpu.register_huge_page'),
    registerPageCold: time('cpu.register_page_cold'),
    registrationLookup: time('cpu.registration_lookup'),
    flop: field('flops', 'cpu.flops', 1e-3, 1e6),
    stream: rate('cpu.stream'),
  },
  pcie: {
    rate: rate('pcie.rate'),
    maxPayload: powerOfTwo('pcie.max_payload', 128, 4096),
    maxReadRequest: powerOfTwo('pcie.max_read_request', 128, 4096),
    writeOverhead: size('pcie.write_overhead', 0, 256),
    completionOverhead: size('pcie.completion_overhead', 0, 256),
    postedWrite: cost('nic.posted_write'),
    dmaRead: cost('nic.dma_read'),
    memoryWrite: cost('nic.memory_write'),
  },
  nic: {
    tx: cost('nic.tx'),
    rx: cost('nic.rx'),
    wqeFetch: cost('nic.wqe_fetch'),
    inlineBlock: time('nic.inline_block'),
    cqe: cost('nic.cqe'),
    qpGap: time('nic.qp_gap'),
    packetGap: time('nic.packet_gap'),
    atomic: cost('nic.atomic'),
    atomicOccupancy: time('nic.atomic_occupancy'),
    loopback: time('nic.loopback'),
    readAhead: size('nic.read_ahead', 256, 2 ** 30),
    qpCacheEntries: count('nic.qp_cache_entries', 2 ** 24),
    qpCacheMiss: time('nic.qp_cache_miss'),
    maxInline: size('nic.max_inline', 0, 1024),
    maxQp: count('nic.max_qp', MOST_QPS),
    maxQpWr: count('nic.max_qp_wr', 2 ** 20),
    maxSge: count('nic.max_sge', 256),
    maxCqe: count('nic.max_cqe', 2 ** 24),
    maxRdAtomic: count('nic.max_rd_atomic', 255),
    flowRules: count('nic.flow_rules', 2 ** 20),
    qpAccessNak: choice('nic.qp_access_nak', 'invalid_request', 'remote_access'),
  },
  link: {
    type: choice('link.type', 'infiniband', 'ethernet'),
    rate: rate('link.rate'),
    framing: size('link.framing', -42, 1024),
    mtu: powerOfTwo('link.mtu', 256, 4096),
    propagation: time('link.propagation', PS_PER_S),
    fec: time('link.fec'),
  },
  switch: {
    latency: cost('switch.latency'),
    buffer: field('buffer', 'switch.buffer', 64, 2 ** 40),
  },
  memory: {
    minorFault: cost('memory.minor_fault'),
    pinPage: time('memory.pin_page'),
    unpinPage: time('memory.unpin_page'),
    swapRead: cost('memory.swap_read'),
    swapWrite: cost('memory.swap_write'),
    odpFault: cost('memory.odp_fault'),
    memlock: field('buffer', 'memory.memlock', 0, 2 ** 40),
  },
  cache: {
    flowLines: count('cache.flow_lines', 1024),
    flows: count('cache.flows', 2 ** 24),
    dirtyLine: time('cache.dirty_line'),
    memoryLine: time('cache.memory_line'),
  },
  kernel: {
    userReturn: cost('kernel.user_return'),
    irq: cost('kernel.irq'),
    idleExit: cost('kernel.idle_exit'),
    wakeup: cost('kernel.wakeup'),
    schedule: cost('kernel.schedule'),
    stackIn: cost('kernel.stack_in'),
    stackOut: cost('kernel.stack_out'),
    tcpIn: cost('kernel.tcp_in'),
    tcpOut: cost('kernel.tcp_out'),
    offloads: choice('kernel.offloads', 'off', 'on'),
    tsoSegment: cost('kernel.tso_segment'),
    groFrame: cost('kernel.gro_frame'),
    copyIn: cost('kernel.copy_in'),
    copyOut: cost('kernel.copy_out'),
    busyPoll: cost('kernel.busy_poll'),
    rxUsecs: time('kernel.rx_usecs'),
    rxFrames: count('kernel.rx_frames', 2 ** 16),
    napiBudget: count('kernel.napi_budget', 2 ** 16),
    netdevBudget: count('kernel.netdev_budget', 2 ** 20),
    ringSize: count('kernel.ring_size', 2 ** 16),
    mtu: size('kernel.mtu', 576, 9000),
    rfsFlows: count('kernel.rfs_flows', 2 ** 20),
    rfsIdle: time('kernel.rfs_idle', PS_PER_S),
  },
  iommu: {
    mode: choice('iommu.mode', 'off', 'on'),
    entries: count('iommu.entries', 2 ** 20),
    miss: time('iommu.miss'),
    mapPage: time('iommu.map_page'),
    unmapPage: time('iommu.unmap_page'),
  },
  bypass: {
    push: choice('bypass.push', 'off', 'on'),
    pushBlock: time('bypass.push_block'),
    rawStack: cost('bypass.raw_stack'),
    directStack: cost('bypass.direct_stack'),
    socketStack: cost('bypass.socket_stack'),
  },
  vm: {
    exit: cost('vm.exit'),
    inject: cost('vm.inject'),
    switchFrame: cost('vm.switch_frame'),
  },
  management: { latency: time('management.latency', PS_PER_S) },
} as const satisfies FieldTable;

/** The fields of one group of the profile, by their names in the model. */
export const fieldsOf = (group: Group): [string, Field][] => Object.entries<Field>(FIELDS[group]);

export const GROUPS = Object.keys(FIELDS) as Group[];

/** Every field by its key, in the order in which profiles are listed. */
export const FIELD_BY_KEY: ReadonlyMap<string, Field> = new Map(
  GROUPS.flatMap((group) => fieldsOf(group).map(([, field]) => [field.key, field] as const)),
);
