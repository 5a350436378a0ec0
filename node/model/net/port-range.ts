/** Ephemeral ports: net.ipv4.ip_local_port_range, searched from a random place. */
const FIRST = 32_768;
const LAST = 60_999;
const COUNT = LAST - FIRST + 1;

export class PortRange {
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** A port that is free; -1 if none is. */
  choose(isFree: (port: number) => boolean): number {
    const start = (this.random() >>> 0) % COUNT;
    for (let i = 0; i < COUNT; i++) {
      const port = FIRST + ((start + i) % COUNT);
      if (isFree(port)) return port;
    }
    return -1;
  }
}
