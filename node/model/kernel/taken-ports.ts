/**
 * Ports of programs that run their own protocols above a queue of raw frames: a flow rule leads their frames there, and
 * the kernel's own stack keeps the port from anybody else, as Onload's backing sockets do.
 */
import type { NetSocket } from '../net/net-socket.js';
import { VerbsError } from '../../spec/verbs-error.js';
import type { AttachedFlows } from './attached-flows.js';
import type { Kernel } from './kernel.js';

/** A backing listener accepts nothing: no frame reaches it. */
const NO_BACKLOG = 0;

interface TakenPort {
  readonly qp: number;
  readonly flow: number;
  readonly backing: NetSocket;
}

export class TakenPorts {
  private readonly taken = new Map<number, TakenPort>();
  private readonly flows: AttachedFlows;
  private next = 1;

  constructor(flows: AttachedFlows) {
    this.flows = flows;
  }

  /** Port 0 asks for any. EADDRINUSE, ENOSPC. */
  take(
    qp: number,
    kernel: Kernel,
    protocol: 'tcp' | 'udp',
    port: number,
  ): { handle: number; port: number } {
    if (!Number.isInteger(port)) throw new VerbsError('EINVAL', `no port ${port}`);
    const { stack, networkFunction } = kernel;
    const backing = protocol === 'udp' ? stack.openUdp(port) : stack.listen(port, NO_BACKLOG);
    if (typeof backing === 'string') throw new VerbsError(backing, `${protocol} port ${port}`);
    const rule = { protocol, destinationPort: backing.localPort };
    try {
      const flow = this.flows.attach(qp, networkFunction.steering, rule);
      this.taken.set(this.next, { qp, flow, backing });
    } catch (error) {
      backing.close(0);
      throw error;
    }
    return { handle: this.next++, port: backing.localPort };
  }

  /** The queue pair of a port; -1 if there is no such port. */
  queuePair(handle: number): number {
    return this.taken.get(handle)?.qp ?? -1;
  }

  give(handle: number): void {
    const port = this.taken.get(handle)!;
    this.flows.detach(port.flow);
    port.backing.close(0);
    this.taken.delete(handle);
  }

  /** The queue pair at index `qp` is gone. */
  release(qp: number): void {
    for (const [handle, port] of this.taken) if (port.qp === qp) this.give(handle);
  }
}
