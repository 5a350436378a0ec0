/**
 * `micro/msg-rate`: small RDMA WRITEs one way over several queue pairs: how many messages a second (ib_write_bw -q).
 */
import { bandwidthWorkload } from './bandwidth.js';
import { oneWayWrites } from './one-way-writes.js';

export default bandwidthWorkload({
  ...oneWayWrites,
  name: 'micro/msg-rate',
  summary:
    'small RDMA WRITEs one way over several queue pairs: messages per second (ib_write_bw -q)',
  shape: { defaultSize: 8, leastSize: 1, inlineUpTo: 220, latency: false, defaultQps: 4 },
});
