/** How a capture's packets begin: the LINKTYPE numbers of pcap that can carry RoCEv2. */
export const LINK_TYPE = {
  ETHERNET: 1,
  RAW_IP: 101,
  LINUX_SLL: 113,
  RAW_IPV4: 228,
  RAW_IPV6: 229,
  LINUX_SLL2: 276,
} as const;

/** Cooked headers hold the EtherType at an offset of their own (tcpdump -i any writes them). */
export const COOKED_HEADER: Readonly<Record<number, { length: number; etherTypeAt: number }>> = {
  [LINK_TYPE.LINUX_SLL]: { length: 16, etherTypeAt: 14 },
  [LINK_TYPE.LINUX_SLL2]: { length: 20, etherTypeAt: 0 },
};

/** Whether packets begin with their IP header. */
export const isRawIp = (linkType: number): boolean =>
  linkType === LINK_TYPE.RAW_IP ||
  linkType === LINK_TYPE.RAW_IPV4 ||
  linkType === LINK_TYPE.RAW_IPV6;
