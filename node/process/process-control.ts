/**
 * A host process's side of the control socket: says hello, takes orders one after another, and ends when told to or
 * when the socket closes, whatever the programs are doing.
 */
import type { WebSocket } from 'ws';
import { MAX_CONTROL_BYTES, packControl, unpackControl } from '../../wire/control/codec.js';
import type { Notice } from '../../wire/control/notices.js';
import {
  CONTROL_PATH,
  parseOrder,
  type Order,
  type PeerAddress,
} from '../../wire/control/orders.js';
import { dial } from '../door/admission.js';
import { Mesh } from '../links/mesh.js';
import type { ProcessEnvironment } from './process-environment.js';
import type { MachineFactory } from '../spec/process-machine.js';
import { OrderedRuns } from './ordered-runs.js';

export class ControlledProcess {
  private readonly environment: ProcessEnvironment;
  private readonly socket: WebSocket;
  private readonly mesh: Mesh;
  private readonly runs: OrderedRuns;
  /** Bytes of control messages, both ways. */
  private controlBytes = 0;

  private constructor(
    environment: ProcessEnvironment,
    createMachine: MachineFactory,
    socket: WebSocket,
    mesh: Mesh,
  ) {
    this.environment = environment;
    this.socket = socket;
    this.mesh = mesh;
    this.runs = new OrderedRuns({
      mesh,
      createMachine,
      writesFiles: environment.programs.files,
      send: (notice) => this.send(notice),
      controlBytes: () => this.controlBytes,
    });
    socket.on('message', (data: Buffer) => this.heard(data));
    socket.on('close', () => this.end(1));
    mesh.onLost = (process, reason) => this.send({ type: 'unlinked', process, reason });
  }

  /** Opens the fabric's socket, dials the coordinator and says hello. */
  static async start(
    environment: ProcessEnvironment,
    createMachine: MachineFactory,
  ): Promise<ControlledProcess> {
    const { cluster, credentials, process: index, processes, control, fabric } = environment;
    const { host, port } = fabric;
    const mesh = await Mesh.open({ process: index, processes, cluster, credentials, host, port });
    const socket = await dial(control + CONTROL_PATH, credentials, MAX_CONTROL_BYTES);
    const controlled = new ControlledProcess(environment, createMachine, socket, mesh);
    socket.resume();
    controlled.send({
      type: 'hello',
      cluster,
      process: index,
      ticket: environment.ticket,
      pid: process.pid,
      fabric: advertised(environment, mesh.port),
    });
    return controlled;
  }

  private send(notice: Notice): void {
    const bytes = packControl(notice);
    this.controlBytes += bytes.length;
    this.socket.send(bytes);
  }

  private heard(data: Uint8Array): void {
    this.controlBytes += data.length;
    let order: Order | string;
    try {
      order = parseOrder(unpackControl(data));
    } catch (error) {
      order = String(error);
    }
    if (typeof order === 'string') {
      console.error(`broken order from the coordinator: ${order}`);
      this.end(1);
      return;
    }
    this.obey(order);
  }

  private obey(order: Order): void {
    switch (order.type) {
      case 'peers':
        this.runs.enqueue(0, () => this.link(order.processes));
        return;
      case 'stop':
        this.end(0);
        return;
      default:
        this.runs.obey(order);
    }
  }

  private async link(processes: readonly PeerAddress[]): Promise<void> {
    if (processes.length !== this.environment.processes) {
      throw new Error(`${processes.length} processes were introduced`);
    }
    const hosts = processes.reduce((sum, peer) => sum + peer.hosts.length, 0);
    const placement = new Int32Array(hosts).fill(-1);
    for (const [process, peer] of processes.entries()) {
      for (const host of peer.hosts) placement[host] = process;
    }
    if (placement.includes(-1)) throw new Error('some hosts have no process');
    this.runs.placement = placement;
    await this.mesh.connect(processes.map(({ fabric }) => fabric));
    this.send({ type: 'linked' });
  }

  /** Captures are flushed, whatever the programs are doing; cores end with the process. */
  private end(status: number): void {
    this.runs.abandon();
    process.exit(status);
  }
}

/** The URL that others dial for this process's fabric. */
function advertised({ fabric, credentials }: ProcessEnvironment, port: number): string {
  const scheme = credentials.tls?.cert === undefined ? 'ws' : 'wss';
  const host = fabric.advertisedHost === '' ? fabric.host : fabric.advertisedHost;
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${scheme}://${name}:${fabric.advertisedPort === 0 ? port : fabric.advertisedPort}`;
}
