/** Whom a frame is for and from: MACs and VLAN, all that a switch looks at. */
import { isGroupMac, newEthernet, parseEthernet } from '../../../wire/ethernet.js';
import { isVlan } from '../../../wire/vlan.js';

const VLAN_AT = 14;
const LEAST_TAGGED = 18;

export class FrameAddress {
  /** 48 bits. */
  destination = 0;
  source = 0;
  /** To a group, or to all. */
  toGroup = false;
  /** 0 for no tag. */
  vlan = 0;
  private readonly ethernet = newEthernet();

  /** Of the frame of `length` bytes at `at`, at least an Ethernet header. */
  parse(view: DataView, at: number, length: number): void {
    const { ethernet } = this;
    parseEthernet(view, at, ethernet);
    this.destination = ethernet.destination;
    this.source = ethernet.source;
    this.toGroup = isGroupMac(ethernet.destination);
    const isTagged = length >= LEAST_TAGGED && isVlan(ethernet.etherType);
    this.vlan = isTagged ? view.getUint16(at + VLAN_AT) & 0xfff : 0;
  }
}
