/**
 * A host process's side of the control socket: says hello, takes orders one after another, and ends when told to or when
 * the socket closes, whatever the programs are doing.
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
import { failureNotice, ProcessRun } from './process-run.js';
import { parseRunSpec } from './run-messages.js';

export class ControlledProcess {
  private readonly environment: ProcessEnvironment;
  private readonly createMachine: MachineFactory;
  private readonly socket: WebSocket;
  private readonly mesh: Mesh;
  private placement = new Int32Array(0);
  private current: ProcessRun | undefined;
  /** Bytes of control messages, both ways. */
  private controlBytes = 0;
  /** Orders that take time wait for one another here. */
  private queue: Promise<void> = Promise.resolve();

  private constructor(
    environment: ProcessEnvironment,
    createMachine: MachineFactory,
    socket: WebSocket,
    mesh: Mesh,
  ) {
    this.environment = environment;
    this.createMachine = createMachine;
    this.socket = socket;
    this.mesh = mesh;
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
        this.enqueue(0, () => this.link(order.processes));
        return;
      case 'prepare':
        this.enqueue(order.run, () => this.prepare(order));
        return;
      case 'begin':
        this.currentOf(order.run)?.begin();
        return;
      case 'grant': {
        const wrong = this.currentOf(order.run)?.grant(order.grant, order.by, order.held / 1000);
        if (wrong !== undefined) this.send(failureNotice(order.run, new Error(wrong)));
        return;
      }
      case 'probe':
        this.currentOf(order.run)?.probe(order.probe);
        return;
      case 'taken':
        this.currentOf(order.run)?.taken(order.bytes);
        return;
      case 'collect':
        this.enqueue(order.run, async () => {
          const run = this.currentOf(order.run);
          if (run === undefined) return;
          this.current = undefined;
          await run.collect();
        });
        return;
      case 'abandon':
        this.enqueue(order.run, async () => {
          const run = this.currentOf(order.run);
          if (run !== undefined) this.current = undefined;
          await run?.giveUp();
          this.send({ type: 'abandoned', run: order.run });
        });
        return;
      case 'stop':
        this.end(0);
        return;
    }
  }

  private currentOf(run: number): ProcessRun | undefined {
    return this.current?.run === run ? this.current : undefined;
  }

  private enqueue(run: number, work: () => Promise<void>): void {
    this.queue = this.queue.then(work).catch((error: unknown) => {
      this.send(failureNotice(run, error));
    });
  }

  private async link(processes: readonly PeerAddress[]): Promise<void> {
    if (processes.length !== this.environment.processes) {
      throw new Error(`${processes.length} processes were introduced`);
    }
    const hosts = processes.reduce((sum, peer) => sum + peer.hosts.length, 0);
    this.placement = new Int32Array(hosts).fill(-1);
    for (const [process, peer] of processes.entries()) {
      for (const host of peer.hosts) this.placement[host] = process;
    }
    if (this.placement.includes(-1)) throw new Error('some hosts have no process');
    await this.mesh.connect(processes.map(({ fabric }) => fabric));
    this.send({ type: 'linked' });
  }

  private async prepare(order: Extract<Order, { type: 'prepare' }>): Promise<void> {
    const { run, captureDirectory } = order;
    await this.current?.close();
    this.current = undefined;
    const spec = parseRunSpec(order.spec);
    if (typeof spec === 'string') throw new Error(spec);
    if (spec.hosts !== this.placement.length) throw new Error('spec.hosts: not this cluster');
    if (captureDirectory !== '' && !this.environment.programs.files) {
      throw new Error(`captures are sent from here, not written to ${captureDirectory}`);
    }
    const { mesh, placement, createMachine } = this;
    const send = (notice: Notice): void => this.send(notice);
    this.current = await ProcessRun.prepare({
      ...{ run, spec, captureDirectory, mesh, placement, createMachine },
      send,
      controlBytes: () => this.controlBytes,
    });
    this.send({ type: 'prepared', run });
  }

  /** Captures are flushed, whatever the programs are doing; cores end with the process. */
  private end(status: number): void {
    this.current?.abandon();
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
