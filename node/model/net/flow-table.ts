/**
 * Flows by remote address, remote port and local port: open addressing over typed arrays, so that a look-up makes
 * nothing.
 */
const LEAST_CAPACITY = 64;

export class FlowTable<Flow> {
  private size = 0;
  private addresses = new Int32Array(LEAST_CAPACITY);
  private ports = new Int32Array(LEAST_CAPACITY);
  private flows: (Flow | undefined)[] = new Array<Flow | undefined>(LEAST_CAPACITY).fill(undefined);

  get(ipv4: number, remotePort: number, localPort: number): Flow | undefined {
    return this.flows[this.find(ipv4 | 0, (localPort << 16) | remotePort)];
  }

  set(ipv4: number, remotePort: number, localPort: number, flow: Flow): void {
    if (this.size * 2 >= this.flows.length) this.grow();
    const ports = (localPort << 16) | remotePort;
    const at = this.find(ipv4 | 0, ports);
    if (this.flows[at] === undefined) this.size++;
    this.addresses[at] = ipv4;
    this.ports[at] = ports;
    this.flows[at] = flow;
  }

  delete(ipv4: number, remotePort: number, localPort: number): void {
    const { addresses, ports, flows } = this;
    const mask = flows.length - 1;
    let hole = this.find(ipv4 | 0, (localPort << 16) | remotePort);
    if (flows[hole] === undefined) return;
    this.size--;
    // What was displaced past the hole moves up, so that no search ends at it too early.
    for (let at = (hole + 1) & mask; flows[at] !== undefined; at = (at + 1) & mask) {
      const home = hash(addresses[at]!, ports[at]!) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      addresses[hole] = addresses[at]!;
      ports[hole] = ports[at]!;
      flows[hole] = flows[at];
      hole = at;
    }
    flows[hole] = undefined;
  }

  /** Where the flow is, or where it would go. */
  private find(address: number, ports: number): number {
    const mask = this.flows.length - 1;
    let at = hash(address, ports) & mask;
    while (
      this.flows[at] !== undefined &&
      (this.addresses[at] !== address || this.ports[at] !== ports)
    ) {
      at = (at + 1) & mask;
    }
    return at;
  }

  private grow(): void {
    const { addresses, ports, flows } = this;
    const capacity = flows.length * 2;
    this.addresses = new Int32Array(capacity);
    this.ports = new Int32Array(capacity);
    this.flows = new Array<Flow | undefined>(capacity).fill(undefined);
    for (let i = 0; i < flows.length; i++) {
      if (flows[i] === undefined) continue;
      const at = this.find(addresses[i]!, ports[i]!);
      this.addresses[at] = addresses[i]!;
      this.ports[at] = ports[i]!;
      this.flows[at] = flows[i];
    }
  }
}

function hash(address: number, ports: number): number {
  let value = Math.imul(address, 0x9e3779b1) ^ Math.imul(ports, 0x85ebca77);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
