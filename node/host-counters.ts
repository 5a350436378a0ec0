/** What a host counted in a run, by the names that results show. */
import type { Host } from './host.js';

export function hostCounters({ nic, port, faults }: Host): Record<string, number> {
  const { transmitter, dma, completions, counters } = nic.parts;
  return {
    tx_packets: transmitter.packets,
    tx_wire_bytes: transmitter.wireBytes,
    rx_packets: nic.received,
    dma_read_bytes: dma.bytesRead,
    dma_write_bytes: dma.bytesWritten,
    completions: completions.written,
    ...Object.fromEntries(Object.entries(counters)),
    cq_overruns: completions.overruns,
    qp_cache_misses: nic.engine.states.misses,
    switch_queue_max_bytes: port.deepest,
    switch_drops: port.overflowed,
    ...(faults === undefined
      ? {}
      : {
          fault_lost: faults.lost,
          fault_duplicated: faults.duplicated,
          fault_corrupted: faults.corrupted,
          fault_delayed: faults.delayed,
        }),
  };
}
