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
  build: gauge('build_info', 'Always 1; what runs.', 'version', 'node'),
  hosts: gauge('hosts', 'Emulated hosts, by whether they are there or missing.', 'state'),
  queueLength: gauge('queue_length', 'Runs that wait for their turn.'),
  connections: counter(
    'connections_total',
    'Connections that came, by what became of them.',
    'fate',
  ),
  refused: counter('refused_connections_total', 'Connections that were turned away.', 'reason'),

  runs: counter('runs_total', 'Runs that have ended.', 'outcome'),
  runWall: histogram('run_wall_seconds', 'First to last virtual instant of runs that were done.'),
  runVirtual: histogram('run_virtual_seconds', 'Virtual time that runs took which were done.'),
  running: gauge('running', 'Whether a run is on.'),
  virtualNow: gauge('run_virtual_seconds_now', 'How far the run that is on has come.'),
  eventsNow: gauge('run_events_now', 'Events of the run that is on.'),
  packetsNow: gauge('run_packets_now', 'Packets of the run that is on.'),
  events: counter('events_total', 'Events of runs that were done.'),
  packets: counter('packets_total', 'Packets received in runs that were done.'),

  rounds: counter('rounds_total', 'Rounds of virtual time between processes.'),
  controlBytes: counter('control_bytes_total', 'Control messages of runs, both ways, in bytes.'),
  busy: counter('process_busy_seconds_total', 'Time in which a process simulated.', 'process'),
  waiting: counter('process_waiting_seconds_total', 'Time in which it waited.', 'process', 'for'),
  windows: counter('process_windows_total', 'Windows of virtual time that it ran.', 'process'),
  waits: histogram(
    'window_wait_seconds',
    'Waits of a process before and in its windows, by for whom.',
    'process',
    'for',
  ),
  fabricMessages: counter(
    'fabric_messages_total',
    'Batches sent between processes.',
    'process',
    'to',
  ),
  fabricBytes: counter('fabric_bytes_total', 'Their bytes.', 'process', 'to'),
  fabricFrames: counter('fabric_frames_total', 'The frames in them.', 'process', 'to'),

  coreTime: counter(
    'core_virtual_seconds_total',
    'Whose a core was: its program’s (polling too), the kernel’s, nobody’s.',
    'host',
    'core',
    'mode',
  ),
  coreSegments: counter('core_segments_total', 'Segments of its program.', 'host', 'core'),
  coreProgram: gauge(
    'core_program',
    'Always 1; the program of the last run.',
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
    'Frames that found no room in it.',
    'host',
    'owner',
    'queue',
  ),
  rxInterrupts: counter('rx_queue_interrupts_total', 'Its interrupts.', 'host', 'owner', 'queue'),

  qpPackets: counter(
    'qp_packets_total',
    'Packets of a queue pair.',
    'host',
    'qp',
    'type',
    'direction',
  ),
  qpBytes: counter('qp_bytes_total', 'Their bytes.', 'host', 'qp', 'type', 'direction'),
  qpRetransmitted: counter('qp_retransmitted_packets_total', 'Packets sent again.', 'host', 'qp'),
  qpTimeouts: counter('qp_timeouts_total', 'Answers that did not come in time.', 'host', 'qp'),
  qpNotReady: counter(
    'qp_rnr_naks_total',
    'Receives that were missing.',
    'host',
    'qp',
    'direction',
  ),
  queuePairs: gauge(
    'queue_pairs',
    'Queue pairs of the last run by the state in which they ended.',
    'host',
    'state',
  ),

  portFrames: counter('port_frames_total', 'Frames that left by the port towards a host.', 'host'),
  portBytes: counter('port_bytes_total', 'Their bytes on the link.', 'host'),
  portDropped: counter('port_dropped_frames_total', 'Frames that found it full.', 'host'),
  portDeepest: gauge('port_queue_max_bytes', 'The longest queue there in the last run.', 'host'),
  portWaits: histogram('port_wait_virtual_seconds', 'How long frames waited there.', 'host'),
} as const satisfies Record<string, MetricFamily>;

/** Of a machine that joined, with `build_info`. */
export const AGENT_FAMILIES = {
  joined: gauge('joined', 'Whether the machine is connected to its coordinator.'),
} as const satisfies Record<string, MetricFamily>;

/** Counters of the results that are shown per host as `pinwire_host_<name>_total`. */
export const HOST_COUNTERS = {
  tx_packets: 'Packets sent.',
  tx_wire_bytes: 'Their bytes on the link.',
  rx_packets: 'Packets received.',
  dma_read_bytes: 'Bytes that the NIC read from memory.',
  dma_write_bytes: 'Bytes that it wrote.',
  dma_wrong_bytes: 'Bytes moved by bus address that are not what they should be.',
  dma_ruined_bytes: 'Bytes changed in pages of somebody else.',
  dma_aborted: 'Transfers by bus address that the IOMMU ended.',
  iotlb_hits: 'Translations found in the IOTLB.',
  iotlb_misses: 'Translations that were walked.',
  iommu_faults: 'Accesses that the IOMMU refused.',
  completions: 'Completions written.',
  cq_overruns: 'Completions that found their queue full.',
  qp_cache_misses: 'States of queue pairs fetched from memory.',
  retransmitted_packets: 'Packets sent again.',
  timeouts: 'Answers that did not come in time.',
  naks_sent: 'NAKs sent.',
  naks_received: 'NAKs received.',
  rnr_naks_sent: 'RNR NAKs sent.',
  rnr_naks_received: 'RNR NAKs received.',
  duplicates_received: 'Requests received again.',
  out_of_sequence: 'Requests that came before one that is missing.',
  icrc_errors: 'Packets with a wrong ICRC.',
  dropped: 'Packets for no queue pair that takes them.',
  rx_no_buffer: 'Frames for a raw queue that had no receive posted.',
  local_errors: 'Requests that failed at the sender.',
  vm_spoofed_frames: 'Frames of virtual machines under another’s MAC or VLAN.',
  tx_unknown_destination: 'Frames for a MAC that no host has.',
  rx_unclaimed: 'Frames for no function of the host.',
  tx_queue_stopped: 'Times that a send queue was full.',
  switch_drops: 'Frames that found the port towards the host full.',
  vm_switch_drops: 'Frames that the software switch found no room for.',
  vm_switch_unclaimed: 'Frames that it had for nobody.',
  minor_faults: 'Page faults without reading from swap.',
  major_faults: 'Page faults with it.',
  page_replacements: 'Pages taken from somebody.',
  swap_reads: 'Pages read from swap.',
  swap_writes: 'Pages written to it.',
  memlock_refusals: 'Pins that a quota refused.',
  nic_page_faults: 'Page faults of the NIC.',
  fault_lost: 'Frames that a fault lost.',
  fault_duplicated: 'Frames that a fault doubled.',
  fault_corrupted: 'Frames that a fault damaged.',
  fault_delayed: 'Frames that a fault delayed.',
} as const satisfies Record<string, string>;

export const hostCounterFamily = (name: keyof typeof HOST_COUNTERS): MetricFamily =>
  counter(`host_${name}_total`, HOST_COUNTERS[name], 'host');
