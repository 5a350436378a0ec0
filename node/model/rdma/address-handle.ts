/** An address handle (ibv_ah_attr): where packets go, by GID. */
import { hostIpv4, ipv4Gid } from '../../../units/address.js';

export interface AddressHandle {
  /** 16 bytes; of the only port that a host has, IPv4-mapped. */
  readonly gid: Uint8Array;
}

/** The GID of a host's port. */
export const addressHandle = (host: number): AddressHandle => ({ gid: ipv4Gid(hostIpv4(host)) });

/** The host whose port has the GID. */
export const hostOf = ({ gid }: AddressHandle): number =>
  ((gid[13]! << 16) | (gid[14]! << 8) | gid[15]!) - 1;
