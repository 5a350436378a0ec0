/**
 * 802.1Q tag: stands between the source MAC and the EtherType, whose place its own type takes (IEEE 802.1Q 9.6).
 * Read here from behind the outer EtherType, so that a tag is 4 bytes and says what follows it.
 *
 *   0  | pcp |d|      VLAN id          |       inner EtherType         |
 */
export const VLAN_LENGTH = 4;

const TAG_CONTROL = 0;
const ETHER_TYPE = 2;

/** EtherTypes that announce a tag: customer and service. */
export const ETHER_TYPE_VLAN = 0x8100;
const ETHER_TYPE_SERVICE_VLAN = 0x88a8;

export interface Vlan {
  priority: number;
  dropEligible: number;
  id: number;
  etherType: number;
}

export const newVlan = (): Vlan => ({ priority: 0, dropEligible: 0, id: 0, etherType: 0 });

export const isVlan = (etherType: number): boolean =>
  etherType === ETHER_TYPE_VLAN || etherType === ETHER_TYPE_SERVICE_VLAN;

export function parseVlan(view: DataView, at: number, into: Vlan): void {
  const control = view.getUint16(at + TAG_CONTROL);
  into.priority = control >>> 13;
  into.dropEligible = (control >>> 12) & 1;
  into.id = control & 0xfff;
  into.etherType = view.getUint16(at + ETHER_TYPE);
}

export function emitVlan(view: DataView, at: number, vlan: Readonly<Vlan>): void {
  view.setUint16(at + TAG_CONTROL, (vlan.priority << 13) | (vlan.dropEligible << 12) | vlan.id);
  view.setUint16(at + ETHER_TYPE, vlan.etherType);
}
