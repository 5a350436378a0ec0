/** What one queue pair did in a run, for those who watch; results have the sums over a NIC (`counters.ts`). */
export class QueuePairTally {
  readonly number: number;
  /** ibv_qp_type without its prefix. */
  readonly type: string;
  /** Packets that won the port, sent again or not, and their bytes without framing. */
  sentPackets = 0;
  sentBytes = 0;
  /** Packets that passed the checks before the queue pair's own. */
  receivedPackets = 0;
  receivedBytes = 0;
  retransmitted = 0;
  timeouts = 0;
  /** RNR NAKs: receives that were missing, the peer's and its own. */
  notReadyReceived = 0;
  notReadySent = 0;
  /** When it was destroyed, or when the run ended. */
  state = 'RESET';

  constructor(number: number, type: string) {
    this.number = number;
    this.type = type;
  }

  sent(bytes: number): void {
    this.sentPackets++;
    this.sentBytes += bytes;
  }

  received(bytes: number): void {
    this.receivedPackets++;
    this.receivedBytes += bytes;
  }
}
