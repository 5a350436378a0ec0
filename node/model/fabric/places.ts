/** Which process acts on a frame: a fabric's layout, and the process of each host. */
import type { Layout } from './layout.js';

/** The process of each host, from the hosts of each process. */
export function placementOf(partition: readonly (readonly number[])[]): Int32Array {
  const hosts = partition.reduce((sum, { length }) => sum + length, 0);
  const placement = new Int32Array(hosts);
  for (const [process, its] of partition.entries())
    for (const host of its) placement[host] = process;
  return placement;
}

export class Places {
  readonly hosts: number;
  private readonly layout: Layout;
  /** Process of each host. */
  private readonly placement: ArrayLike<number>;

  constructor(layout: Layout, placement: ArrayLike<number>) {
    this.layout = layout;
    this.placement = placement;
    this.hosts = placement.length;
  }

  /** The process that evaluates a frame for host `destination` at `element`; undefined if there is none. */
  processAt(element: number, destination: number): number | undefined {
    const { layout, hosts } = this;
    if (destination >= hosts || element >= hosts + layout.switches.length) return undefined;
    if (element < hosts && element !== destination) return undefined;
    return this.placement[layout.homeOf(element, destination)];
  }

  /**
   * Whether process `from` may send a frame of host `source` for `destination` to `element`: its NIC's, or a switch's
   * on the way.
   */
  maySend(from: number, element: number, source: number, destination: number): boolean {
    if (source >= this.hosts) return false;
    if (this.placement[source] === from) return true;
    const sender = this.layout.senderTo(element, source, destination);
    return sender >= 0 && this.placement[sender] === from;
  }

  /** Whether only the rest of its last link and the receiving NIC lie ahead of a frame at `element`. */
  isLastPort(element: number, destination: number): boolean {
    return this.layout.isLastPort(element, destination);
  }
}
