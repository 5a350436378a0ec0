/** What one NIC counted in a run; every name is a counter of the results. */
export class Counters {
  /** Packets sent again after a NAK, a time-out or an RNR wait. */
  retransmitted_packets = 0;
  timeouts = 0;
  naks_sent = 0;
  naks_received = 0;
  rnr_naks_sent = 0;
  rnr_naks_received = 0;
  duplicates_received = 0;
  out_of_sequence = 0;
  icrc_errors = 0;
  /** Frames to no queue pair, to one that does not receive, or from somebody who is not its peer. */
  dropped = 0;
  /** Of them, those of another partition (as ibv_query_port names it). */
  bad_pkey_cntr = 0;
  /** Frames for a raw queue that had no receive posted. */
  rx_no_buffer = 0;
  /** Frames of virtual machines under another's MAC or with another's VLAN, which were not sent. */
  vm_spoofed_frames = 0;
  cq_overruns = 0;
  local_errors = 0;
}
