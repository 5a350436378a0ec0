/**
 * The flows of a run: source port, the program that reads them (each has a port of its own), and the entry of the
 * indirection table that their hash chooses. Generators and programs make the same set each for itself.
 */
import { hostIpv4 } from '../../units/address.js';
import { flowHash } from './flow-hash.js';

/** Program p reads port FIRST_PORT + p. */
export const FIRST_PORT = 5000;
const FIRST_SOURCE_PORT = 10_000;
const LAST_SOURCE_PORT = 65_535;
const TABLE_ENTRIES = 128;

export type Placement = 'aligned' | 'scattered';

export interface Ports {
  readonly source: number;
  readonly destination: number;
}

export class FlowSet {
  readonly ports: Ports[] = [];
  /** By flow. */
  readonly programs: Int32Array;
  /** By flow: entry of the indirection table. */
  readonly entries: Int32Array;

  /**
   * `aligned`: a flow's program runs on the core that an equal table sends it to. `scattered`: programs take turns,
   * whatever the hash.
   */
  constructor(
    flows: number,
    options: {
      readonly from: number;
      readonly to: number;
      readonly programs: number;
      readonly queues: number;
      readonly placement: Placement;
    },
  ) {
    const { programs, queues, placement } = options;
    this.programs = new Int32Array(flows);
    this.entries = new Int32Array(flows);
    const source = hostIpv4(options.from);
    const destination = hostIpv4(options.to);
    const hash = (port: number, program: number): number =>
      flowHash(source, destination, port, FIRST_PORT + program);
    const fits = (port: number, program: number): boolean =>
      (hash(port, program) % TABLE_ENTRIES) % queues === program % queues;
    for (let port = FIRST_SOURCE_PORT; this.count < flows; port++) {
      const flow = this.count;
      const left = LAST_SOURCE_PORT - port - (flows - flow);
      let program = flow % programs;
      if (placement === 'aligned' && !fits(port, program)) {
        // Programs take their turns as long as there are ports enough to leave some out; then any does that fits.
        if (left > flows - flow) continue;
        const other = Array.from({ length: programs }, (_, each) => (flow + each) % programs);
        const found = other.find((each) => fits(port, each));
        if (found === undefined && left > 0) continue;
        program = found ?? program;
      }
      this.programs[flow] = program;
      this.entries[flow] = hash(port, program) % TABLE_ENTRIES;
      this.ports.push({ source: port, destination: FIRST_PORT + program });
    }
  }

  get count(): number {
    return this.ports.length;
  }
}

/** What `ethtool -X weight` makes of weights: the queue of each entry. An equal table is one of turns. */
export function tableOf(queues: number, weights: readonly number[] | undefined): number[] {
  if (weights === undefined) return Array.from({ length: TABLE_ENTRIES }, (_, i) => i % queues);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const table: number[] = [];
  let running = 0;
  for (const [queue, weight] of weights.entries()) {
    running += weight;
    while (table.length < Math.floor((TABLE_ENTRIES * running) / sum)) table.push(queue);
  }
  return table;
}
