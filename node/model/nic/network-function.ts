/**
 * A network function of a NIC: the physical one, which is the host's own, or a virtual one (SR-IOV), which is a virtual
 * machine's. It has a MAC and a VLAN, its own steering, and its own receive queues.
 */
import type { FrameAddress } from './frame-address.js';
import type { RateLimit } from './rate-limit.js';
import type { ReceiveRing } from './receive-ring.js';
import type { ReceiveSteering } from './receive-steering.js';

export interface NetworkFunction {
  /** 0 for the physical function, 1 + n for virtual machine n of the host. */
  readonly number: number;
  /** 48 bits. */
  readonly mac: number;
  /** 802.1Q tag that its frames have on the wire; 0 for none. */
  readonly vlan: number;
  /** Takes every frame that reaches the host, as the port of a software switch does. */
  readonly promiscuous: boolean;
  /** Of all that it sends; null for none. */
  readonly limit: RateLimit | null;
  readonly steering: ReceiveSteering;
  readonly rings: readonly ReceiveRing[];
}

/** Whether a frame is for a function. What one sent to a group does not come back to it. */
export const takesFrame = (
  { mac, vlan }: Pick<NetworkFunction, 'mac' | 'vlan'>,
  frame: FrameAddress,
): boolean =>
  vlan === frame.vlan && (frame.toGroup ? mac !== frame.source : mac === frame.destination);

/** Whether a virtual machine may send a frame: under its own MAC, and with its own tag. */
export const maySend = (
  { mac, vlan }: Pick<NetworkFunction, 'mac' | 'vlan'>,
  frame: FrameAddress,
): boolean => frame.source === mac && frame.vlan === vlan;
