/** Rules that lead frames to a queue pair of raw frames, in the manner of ibv_create_flow(3). */

/**
 * ibv_flow_spec: what a frame must have to belong to a flow; what is left out may be anything. Addresses are numbers.
 */
export interface FlowRule {
  readonly destinationMac?: number;
  readonly vlan?: number;
  readonly etherType?: number;
  readonly protocol?: 'tcp' | 'udp';
  readonly sourceIp?: number;
  readonly destinationIp?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface Flow {
  /** ibv_destroy_flow. */
  detach(): Promise<void>;
}
