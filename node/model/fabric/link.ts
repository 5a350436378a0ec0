/**
 * A link as a host sees it. Faulty, traced and captured links wrap another link and keep this one method.
 */
export interface Link {
  /**
   * Takes over frame `slot` of the process's pool at its commit: bytes complete, `time` the instant it reaches the next
   * element, `key` from the sending NIC. From then on only fixed latencies lie ahead of it.
   */
  send(slot: number): void;
}
