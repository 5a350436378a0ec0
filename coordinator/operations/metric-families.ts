/**
 * Every metric that `/metrics` shows, by family: its name, its kind, what it means, its labels. Times are in seconds;
 * those of the model have `virtual` in their names, all others are wall clock. docs/metrics.md is held against this
 * table.
 */
export interface MetricFamily {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const family = (
  kind: MetricFamily['kind'],
  name: string,
  help: string,
  ...labels: string[]
): MetricFamily => ({ kind, name: `pinwire_${name}`, help, labels });
const counter = family.bind(undefined, 'counter');
const gauge = family.bind(undefined, 'gauge');
const histogram = family.bind(undefined, 'histogram');

export const FAMILIES = {
  build: gauge('build_info', 'Always 1; the labels name the versions that run.', 'version', 'node'),
  hosts: gauge('hosts', 'Emulated hosts, present or missing.', 'state'),
  queueLength: gauge('queue_length', 'Runs waiting in the queue.'),
  connections: counter('connections_total', 'Incoming connections, by outcome.', 'fate'),
  refused: counter('refused_connections_total', 'Refused connections, by reason.', 'reason'),

  runs: counter('runs_total', 'Finished runs, by outcome.', 'outcome'),
  runWall: histogram(
    'run_wall_seconds',
    'Wall time of completed runs, from their first to their last virtual instant.',
  ),
  runVirtual: histogram('run_virtual_seconds', 'Virtual time of completed runs.'),
  running: gauge('running', 'Whether a run is in progress.'),
  virtualNow: gauge('run_virtual_seconds_now', 'Virtual time of the current run.'),
  eventsNow: gauge('run_events_now', 'Events of the current run.'),
  packetsNow: gauge('run_packets_now', 'Packets of the current run.'),
  events: counter('events_total', 'Events of completed runs.'),
  packets: counter('packets_total', 'Packets received in completed runs.'),

  rounds: counter('rounds_total', 'Synchronization rounds of virtual time between processes.'),
  controlBytes: counter(
    'control_bytes_total',
    'Bytes of control messages of runs, both directions.',
  ),
  busy: counter('process_busy_seconds_total', 'Time that a process spent simulating.', 'process'),
  waiting: counter(
    'process_waiting_seconds_total',
    'Time that a process spent waiting.',
    'process',
    'for',
  ),
  windows: counter(
    'process_windows_total',
    'Windows of virtual time that a process ran.',
    'process',
  ),
  waits: histogram(
    'window_wait_seconds',
    'Waits of a process before and in its windows, by what it waited for.',
    'process',
    'for',
  ),
  fabricMessages: counter(
    'fabric_messages_total',
    'Batches sent between processes.',
    'process',
    'to',
  ),
  fabricBytes: counter(
    'fabric_bytes_total',
    'Bytes in batches sent between processes.',
    'process',
    'to',
  ),
  fabricFrames: counter(
    'fabric_frames_total',
    'Frames in batches sent between processes.',
    'process',
    'to',
  ),

  coreTime: counter(
    'core_virtual_seconds_total',
    'Time of a core by user: its program (polling included), the kernel, or nobody.',
    'host',
    'core',
    'mode',
  ),
  coreSegments: counter(
    'core_segments_total',
    'Segments that the program of a core ran.',
    'host',
    'core',
  ),
  coreProgram: gauge(
    'core_program',
    'Always 1; the label names the program of the last run.',
    'host',
    'core',
    'role',
  ),

  rxFrames: counter(
    'rx_queue_frames_total',
    'Frames put into a receive queue.',
    'host',
    'owner',
    'queue',
  ),
  rxMissed: counter(
    'rx_queue_missed_frames_total',
    'Frames dropped because the receive queue was full.',
    'host',
    'owner',
    'queue',
  ),
  rxInterrupts: counter(
    'rx_queue_interrupts_total',
    'Interrupts of a receive queue.',
    'host',
    'owner',
    'queue',
  ),

  qpPackets: counter(
    'qp_packets_total',
    'Packets of a queue pair.',
    'host',
    'qp',
    'type',
    'direction',
  ),
  qpBytes: counter(
    'qp_bytes_total',
    'Bytes of packets of a queue pair.',
    'host',
    'qp',
    'type',
    'direction',
  ),
  qpRetransmitted: counter(
    'qp_retransmitted_packets_total',
    'Retransmitted packets.',
    'host',
    'qp',
  ),
  qpTimeouts: counter('qp_timeouts_total', 'Expired retransmission timers.', 'host', 'qp'),
  qpNotReady: counter(
    'qp_rnr_naks_total',
    'RNR NAKs of a queue pair: no receive was posted.',
    'host',
    'qp',
    'direction',
  ),
  queuePairs: gauge('queue_pairs', 'Queue pairs of the last run, by final state.', 'host', 'state'),

  portFrames: counter(
    'port_frames_total',
    'Frames sent by the switch port towards a host.',
    'host',
  ),
  portBytes: counter(
    'port_bytes_total',
    'Bytes on the link sent by the switch port towards a host.',
    'host',
  ),
  portDropped: counter(
    'port_dropped_frames_total',
    'Frames dropped because the switch port was full.',
    'host',
  ),
  portDeepest: gauge(
    'port_queue_max_bytes',
    'Longest queue at the switch port in the last run.',
    'host',
  ),
  portWaits: histogram(
    'port_wait_virtual_seconds',
    'Time that frames waited at the switch port.',
    'host',
  ),
} as const satisfies Record<string, MetricFamily>;

/** Families of a machine that joined, besides `build_info`. */
export const AGENT_FAMILIES = {
  joined: gauge('joined', 'Whether the machine is connected to its coordinator.'),
} as const satisfies Record<string, MetricFamily>;

/** Counters of the results that are shown per host as `pinwire_host_<name>_total`. */
export const HOST_COUNTERS = {
  tx_packets: 'Packets sent.',
  tx_wire_bytes: 'Bytes sent on the link.',
  rx_packets: 'Packets received.',
  rx_crc_errors_phy: 'Frames dropped because their FCS was wrong.',
  dma_read_bytes: 'Bytes that the NIC read from memory.',
  dma_write_bytes: 'Bytes that the NIC wrote to memory.',
  dma_wrong_bytes: 'Bytes with wrong contents moved by bus address.',
  dma_ruined_bytes: 'Bytes that the NIC changed in pages of another owner.',
  dma_aborted: 'Transfers by bus address that the IOMMU aborted.',
  iotlb_hits: 'Translations found in the IOTLB.',
  iotlb_misses: 'Translations that needed a page walk.',
  iommu_faults: 'Accesses that the IOMMU refused.',
  completions: 'Completions written.',
  cq_overruns: 'Completions lost because their queue was full.',
  qp_cache_misses: 'Queue pair contexts fetched from memory.',
  retransmitted_packets: 'Retransmitted packets.',
  timeouts: 'Expired retransmission timers.',
  naks_sent: 'NAKs sent.',
  naks_received: 'NAKs received.',
  rnr_naks_sent: 'RNR NAKs sent.',
  rnr_naks_received: 'RNR NAKs received.',
  duplicates_received: 'Duplicate requests received.',
  out_of_sequence: 'Requests received ahead of a missing one.',
  icrc_errors: 'Packets with a wrong ICRC.',
  dropped: 'Packets without a matching queue pair.',
  bad_pkey_cntr: 'Packets of another partition (P_Key).',
  rx_no_buffer: 'Frames for a raw queue with no receive posted.',
  local_errors: 'Requests that failed at the sender.',
  vm_spoofed_frames: 'Frames that a virtual machine sent with another MAC or VLAN.',
  tx_unknown_destination: 'Frames for a MAC that no host has.',
  rx_unclaimed: 'Frames without a matching function on the host.',
  tx_queue_stopped: 'Times that a send queue was full.',
  switch_drops: 'Frames dropped because the switch port towards the host was full.',
  vm_switch_drops: 'Frames dropped by the software switch because a queue was full.',
  vm_switch_unclaimed: 'Frames at the software switch with no matching receiver.',
  minor_faults: 'Page faults served without reading from swap.',
  major_faults: 'Page faults that read from swap.',
  page_replacements: 'Pages evicted.',
  swap_reads: 'Pages read from swap.',
  swap_writes: 'Pages written to swap.',
  memlock_refusals: 'Pins that a quota refused.',
  nic_page_faults: 'Page faults of the NIC.',
  fault_lost: 'Frames lost by fault injection.',
  fault_duplicated: 'Frames duplicated by fault injection.',
  fault_corrupted: 'Frames corrupted by fault injection.',
  fault_delayed: 'Frames delayed by fault injection.',
} as const satisfies Record<string, string>;

export const hostCounterFamily = (name: keyof typeof HOST_COUNTERS): MetricFamily =>
  counter(`host_${name}_total`, HOST_COUNTERS[name], 'host');
