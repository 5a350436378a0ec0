/** Kinds of IPv4 addresses, and the MACs of those that are no single host's (RFC 1112 6.4). */

export const BROADCAST_IPV4 = 0xffffffff;
export const BROADCAST_MAC = 0xffffffffffff;

/** 224.0.0.0/4. */
export const isMulticast = (ipv4: number): boolean => ipv4 >>> 28 === 0xe;

export const multicastMac = (group: number): number => 0x01005e000000 + (group & 0x7fffff);
