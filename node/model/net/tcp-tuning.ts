/** What Linux lets one set of TCP (net.ipv4.tcp_*), and the constants of its protocol, with Linux's values. */
import { PS_PER_MS, PS_PER_S } from '../../../units/time.js';

export interface TcpTuning {
  /** Options that a SYN of ours offers (tcp_timestamps, tcp_sack, tcp_window_scaling). */
  readonly timestamps: boolean;
  readonly sack: boolean;
  readonly windowScaling: boolean;
  /** TCP_INIT_CWND, in segments (RFC 6928). */
  readonly initialWindow: number;
  /** Duplicate ACKs that make a segment lost (tcp_reordering). */
  readonly duplicateThreshold: number;
  /** TCP_TIMEOUT_INIT, TCP_RTO_MIN, TCP_RTO_MAX, in ps. */
  readonly rtoInitial: number;
  readonly rtoMin: number;
  readonly rtoMax: number;
  /** What a tail-loss probe waits beyond two round trips (TCP_TIMEOUT_MIN, two jiffies), in ps. */
  readonly probeMargin: number;
  /** TCP_DELACK_MIN, which is TCP_ATO_MIN too, and TCP_DELACK_MAX, in ps. */
  readonly delayedAckMin: number;
  readonly delayedAckMax: number;
  /** TCP_MAX_QUICKACKS. */
  readonly quickAcks: number;
  /** tcp_syn_retries, tcp_synack_retries, tcp_retries2, tcp_orphan_retries. */
  readonly synRetries: number;
  readonly synAckRetries: number;
  readonly retries: number;
  readonly orphanRetries: number;
  /** TCP_TIMEWAIT_LEN and tcp_fin_timeout, in ps. */
  readonly timeWait: number;
  /** Least time between answers to segments that are no part of the connection (tcp_invalid_ratelimit), in ps. */
  readonly invalidRateLimit: number;
  /**
   * Bytes: half of tcp_rmem[1] and [2], the other half being what Linux keeps for its own records; tcp_wmem[0] and [2].
   */
  readonly receiveBuffer: number;
  readonly receiveBufferMax: number;
  readonly sendBuffer: number;
  readonly sendBufferMax: number;
}

export const LINUX_TCP: TcpTuning = {
  timestamps: true,
  sack: true,
  windowScaling: true,
  initialWindow: 10,
  duplicateThreshold: 3,
  rtoInitial: PS_PER_S,
  rtoMin: 200 * PS_PER_MS,
  rtoMax: 120 * PS_PER_S,
  probeMargin: 2 * PS_PER_MS,
  delayedAckMin: 40 * PS_PER_MS,
  delayedAckMax: 200 * PS_PER_MS,
  quickAcks: 16,
  synRetries: 6,
  synAckRetries: 5,
  retries: 15,
  orphanRetries: 8,
  timeWait: 60 * PS_PER_S,
  invalidRateLimit: 500 * PS_PER_MS,
  receiveBuffer: 65_536,
  receiveBufferMax: 3 * 2 ** 20,
  sendBuffer: 16_384,
  sendBufferMax: 4 * 2 ** 20,
};
