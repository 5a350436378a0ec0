/** `micro/write-bw`: RDMA WRITEs one way, as many as go (perftest's ib_write_bw). */
import { bandwidthWorkload } from './bandwidth.js';
import { oneWayWrites } from './one-way-writes.js';

export default bandwidthWorkload({
  ...oneWayWrites,
  name: 'micro/write-bw',
  summary: 'RDMA WRITE one way: bandwidth and message rate (ib_write_bw)',
  shape: { defaultSize: 65536, leastSize: 1, inlineUpTo: 220, latency: false },
});
