/** What a host counted in a run, by the names that results show: also what never happened, which is 0. */
import type { Host } from './host.js';
import type { Kernel } from '../model/kernel/kernel.js';
import type { Processes } from '../model/kernel/processes.js';

/** Its interface, queue by queue where there are frames, and its protocols. */
function kernelCounters({ queues, stack, device }: Kernel): Record<string, number> {
  const counts: Record<string, number> = { tx_queue_stopped: device.stopped };
  for (const { ring, moderation } of queues) {
    if (ring.frames + ring.missed === 0) continue;
    counts[`rx_queue${ring.index}_frames`] = ring.frames;
    counts[`rx_queue${ring.index}_missed`] = ring.missed;
    counts[`rx_queue${ring.index}_interrupts`] = moderation.interrupts;
  }
  return { ...counts, ...stack.counters };
}

/** Those of virtual machines, each with its machine before its name. */
function machineCounters(machines: ReadonlyMap<number, Kernel>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [vm, kernel] of machines) {
    for (const [name, count] of Object.entries(kernelCounters(kernel))) {
      counts[`vm${vm}_${name}`] = count;
    }
  }
  return counts;
}

export function hostCounters({
  nic,
  outputPort,
  faults,
  kernels,
  processes,
  inlet,
}: Host): Record<string, number> {
  const { transmitter, dma, completions, counters, iommu, transfers } = nic.parts;
  return {
    ...(kernels.own && kernelCounters(kernels.own)),
    ...machineCounters(kernels.machines),
    ...(kernels.bridge && {
      vm_switch_drops: kernels.bridge.dropped,
      vm_switch_unclaimed: kernels.bridge.unclaimed,
    }),
    tx_packets: transmitter.packets,
    tx_wire_bytes: transmitter.wireBytes,
    rx_packets: nic.received,
    rx_crc_errors_phy: inlet.crcErrors,
    dma_read_bytes: dma.bytesRead,
    dma_write_bytes: dma.bytesWritten,
    dma_wrong_bytes: nic.hazards.wrongBytes,
    dma_ruined_bytes: nic.hazards.ruinedBytes,
    dma_aborted: transfers.aborted,
    iotlb_hits: iommu?.iotlb.hits ?? 0,
    iotlb_misses: iommu?.iotlb.misses ?? 0,
    iommu_faults: iommu?.faultCount ?? 0,
    completions: completions.written,
    ...Object.fromEntries(Object.entries(counters)),
    cq_overruns: completions.overruns,
    qp_cache_misses: nic.engine.states.misses,
    switch_queue_max_bytes: outputPort?.deepest ?? 0,
    switch_drops: outputPort?.overflowed ?? 0,
    tx_unknown_destination: transmitter.unknownDestination,
    rx_unclaimed: nic.ethernet.unclaimed,
    ...pagingCounters(processes, nic.parts.pageFaults.taken),
    fault_lost: faults?.lost ?? 0,
    fault_duplicated: faults?.duplicated ?? 0,
    fault_corrupted: faults?.corrupted ?? 0,
    fault_delayed: faults?.delayed ?? 0,
  };
}

function pagingCounters(processes: Processes, nicFaults: number): Record<string, number> {
  const { all, swap, replacements, refusals } = processes;
  return {
    minor_faults: all.reduce((sum, { space }) => sum + space.minorFaults, 0),
    major_faults: all.reduce((sum, { space }) => sum + space.majorFaults, 0),
    page_replacements: replacements,
    swap_reads: swap.reads,
    swap_writes: swap.writes,
    memlock_refusals: refusals,
    nic_page_faults: nicFaults,
  };
}
