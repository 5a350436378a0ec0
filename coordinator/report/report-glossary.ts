/** The words of the report, explained where they stand, for a reader who has never used RDMA. */

const WORKLOADS: Readonly<Record<string, string>> = {
  'micro/send-lat':
    'Two hosts play ping-pong with messages that the receiver has a buffer ready for. The latency is half a round trip.',
  'micro/write-lat':
    'Two hosts play ping-pong by writing into each other’s memory, with no help from the other’s program. The latency is half a round trip.',
  'micro/read-lat':
    'One host reads the memory of another, whose program takes no part. The latency is the whole operation.',
  'micro/atomic-lat':
    'One host adds to, or swaps, a number in another host’s memory in one indivisible step. The latency is the whole operation.',
  'micro/send-bw': 'How much data messages carry, with many in flight.',
  'micro/write-bw':
    'How much data one host can write into another’s memory, with many writes in flight.',
  'micro/read-bw':
    'How much data one host can read from another’s memory, with many reads in flight.',
  'micro/msg-rate': 'How many small messages a second can be sent.',
  'host/pinning':
    'What a core pays per message to make a buffer safe for the NIC to read: copy it into a ready buffer, or pin its pages so that they stay where they are.',
  'host/rss': 'How packets of many connections are distributed over the cores that receive them.',
  'host/paging': 'What happens when the NIC uses memory that the kernel may move or page out.',
  'host/memlock': 'How much memory a process may pin, and how a request for more is refused.',
  'host/vm-queues': 'Virtual machines that share the NIC’s queues, or have their own.',
  'host/paths':
    'The same request and response by four paths through the host: the kernel’s sockets, sockets that are polled, a network stack in the program, and RDMA. The latency is half a round trip.',
  'hpc/allreduce': 'Every rank ends with the sum of the vectors of all ranks.',
  'hpc/alltoall': 'Every rank sends a different block to every other.',
  'hpc/halo': 'Every rank exchanges the edges of its part of a grid with its neighbours.',
  'hpc/randomaccess':
    'Updates of single words at random places of a table that is spread over all hosts.',
  'trading/tick-to-trade':
    'From a market data packet on the wire to the order that answers it on the wire.',
  'trading/market-data': 'A burst of market data, received by multicast and put in order.',
  'trading/order-book': 'Orders are matched by price, then by time.',
};

const PARAMS: Readonly<Record<string, string>> = {
  size: 'payload of one message',
  path: 'path through the host',
  library: 'network stack inside the program',
  moderation: 'whether interrupts wait for more packets',
  receiver: 'whether programs sleep in a receive or never sleep',
  strategy: 'how the buffer is made safe to send from',
  steering: 'how packets are spread over cores',
  queues: 'receive queues of the NIC',
  flows: 'connections',
  placement: 'where the program of a flow runs',
  table: 'how hash values are assigned to queues',
  outstanding: 'operations in flight',
  inline: 'data carried in the request itself',
  qps: 'queue pairs: connections between the two NICs',
  type: 'RC: reliable connection, UC: unreliable, UD: datagrams',
  iommu: 'unit that translates and checks the NIC’s addresses',
  memory: 'whether pages are pinned',
  quota: 'how much memory may be pinned',
  iterations: 'operations measured',
};

const METRICS: Readonly<Record<string, string>> = {
  latency: 'time of one operation',
  bandwidth: 'payload per second',
  rate: 'messages or packets per second',
  cost: 'time the sending core spends on one message',
  fault_rate: 'page faults that had to read from swap, per 1000 uses of a page',
  kept: 'memory that the greedy process withholds from the pager',
  reordered: 'share of packets that arrived after a later packet of the same connection',
  load: 'how busy the receiving cores are, on average',
  warm_share: 'share of packets whose data was in the core’s cache',
  echo: 'time of the answering core for one datagram, from the softirq to the reply’s hand-over',
  wrong_bytes: 'bytes with wrong contents',
  ruined_bytes: 'bytes changed in memory of another owner',
};

const word = (from: Readonly<Record<string, string>>, name: string): string =>
  Object.hasOwn(from, name) ? from[name]! : '';

/** What a workload does; empty for a user's own. */
export const workloadGloss = (name: string): string => word(WORKLOADS, name);
export const paramGloss = (name: string): string => word(PARAMS, name);
export const metricGloss = (name: string): string => word(METRICS, name);
