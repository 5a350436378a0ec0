/**
 * The packets of one stream that are fetched, or being fetched, ahead of the port: when each has all it needs, and
 * what its operation's time went into until then.
 *
 * A packet leaves at its commit, bound by the later of two: its own fetch, and the port still busy with the packet of
 * the same message before it. {@link bind} follows the binding one.
 */
import type { Instant } from '../../../units/time.js';
import { LoggedChains } from '../../../sim/chain.js';
import type { ChainLog } from '../../../sim/chain-log.js';
import { STAGE } from '../../../sim/stages.js';

const ENTRIES = 64;
const PORT_ROW = ENTRIES;

export class ReadyRing {
  count = 0;
  /** Payload bytes of the entries. */
  bytes = 0;
  /** The row of the entry pushed last. */
  lastRow = 0;
  /** Row i is entry i's chain; the last row is the chain up to when the port has sent the packet before. */
  readonly chains: LoggedChains;
  private head = 0;
  private lastReady = 0;
  /** At `head` there is Infinity while the ring is empty. */
  private readonly times = new Float64Array(ENTRIES).fill(Infinity);
  private readonly sizes = new Int32Array(ENTRIES);

  constructor(log: ChainLog) {
    this.chains = new LoggedChains(log, ENTRIES + 1);
  }

  get full(): boolean {
    return this.count === ENTRIES;
  }

  /** When the next packet is ready; Infinity if there is none. */
  get readyAt(): Instant {
    return this.times[this.head]! as Instant;
  }

  /** The row of the entry that {@link push} will take next. */
  get nextRow(): number {
    return (this.head + this.count) % ENTRIES;
  }

  /** A packet of `size` payload bytes that is ready at `time`, but never before the one ahead of it. */
  push(time: number, size: number): void {
    const row = this.nextRow;
    if (time > this.lastReady) this.lastReady = time;
    this.lastRow = row;
    this.times[row] = this.lastReady;
    this.sizes[row] = size;
    this.bytes += size;
    this.count++;
  }

  /** Takes the next packet out at its commit; answers the row that holds its chain up to now. */
  bind(now: number, startsMessage: boolean): number {
    const { chains, head } = this;
    // After going back, the packet before on the port may be of another operation.
    const other = chains.operation(head) !== chains.operation(PORT_ROW);
    if (startsMessage || other || chains.asOf(head) >= chains.asOf(PORT_ROW)) {
      chains.copy(PORT_ROW, chains, head);
    }
    chains.advance(PORT_ROW, STAGE.nic_wait, now);
    this.bytes -= this.sizes[head]!;
    this.count--;
    if (this.count === 0) this.rewind();
    else this.head = (head + 1) % ENTRIES;
    return PORT_ROW;
  }

  /** The port is busy with the packet just bound until `end`. */
  sentAt(end: number): void {
    this.chains.advance(PORT_ROW, STAGE.serialize, end);
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
    this.rewind();
  }

  /** An empty ring begins again at row 0: a stream that never has many ahead stays in the rows that the cache has. */
  private rewind(): void {
    this.head = 0;
    this.times[0] = Infinity;
  }
}
