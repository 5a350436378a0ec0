/**
 * A rank's connections: one completion queue for all of them, and the loop that every wait of a blocking call runs.
 */
import type {
  CompletionQueue,
  Core,
  MemoryRegion,
  WorkCompletion,
} from '../../node/program/verbs.js';
import { connect, openDevice, sharedRegion, type Device } from '../authoring/connect.js';
import {
  completionsPerPeer,
  Peer,
  receiveSlots,
  regionBytes,
  sendDepth,
  WORK,
  workOf,
  type PeerShape,
} from './peer.js';
import { KIND } from './message-header.js';

export class PeerSet {
  readonly core: Core;
  private readonly device: Device;
  private readonly cq: CompletionQueue;
  private readonly shape: PeerShape;
  private readonly peers = new Map<number, Peer>();
  private readonly byIndex: Peer[] = [];
  private readsUnderWay = 0;

  static async open(core: Core, shape: PeerShape): Promise<PeerSet> {
    const device = await openDevice(core);
    const capacity = Math.max(1, core.ranks - 1) * completionsPerPeer(shape);
    const cq = await device.context.createCq(Math.min(capacity, device.context.attributes.maxCqe));
    return new PeerSet(core, device, cq, shape);
  }

  private constructor(core: Core, device: Device, cq: CompletionQueue, shape: PeerShape) {
    this.core = core;
    this.device = device;
    this.cq = cq;
    this.shape = shape;
  }

  async allocate(length: number): Promise<MemoryRegion> {
    return sharedRegion(this.core, this.device.pd, length);
  }

  /** See {@link Communicator.connect}. */
  async connect(ranks: Iterable<number>): Promise<void> {
    const missing = [...new Set(ranks)].filter(
      (rank) => rank !== this.core.rank && !this.peers.has(rank),
    );
    for (const rank of missing.sort((a, b) => a - b)) await this.connectTo(rank);
  }

  peer(rank: number): Peer {
    const peer = this.peers.get(rank);
    if (peer === undefined) {
      throw new RangeError(`rank ${this.core.rank} is not connected to rank ${rank}`);
    }
    return peer;
  }

  /**
   * Waits for completions and does what they ask for; `arrived` takes the messages. An error ends the program.
   */
  async progress(arrived: (peer: Peer, slot: number) => Promise<void>): Promise<void> {
    for (const peer of this.byIndex) peer.restock();
    for (const completion of await this.cq.busyPoll()) {
      const { peer: index, kind, place } = workOf(completion.wrId);
      const peer = this.byIndex[index]!;
      this.requireSuccess(completion, peer, kind);
      if (kind === WORK.receive) {
        await arrived(peer, place);
      } else {
        peer.sent(place);
        if (kind === WORK.read) this.readsUnderWay--;
      }
    }
  }

  /** A read was posted; {@link reading} until it is complete. */
  readPosted(): void {
    this.readsUnderWay++;
  }

  get reading(): boolean {
    return this.readsUnderWay > 0;
  }

  /** Returns when everything that this rank and its peers have sent is acknowledged. */
  async close(arrived: (peer: Peer, slot: number) => Promise<void>): Promise<void> {
    while (this.byIndex.some(({ quiet }) => !quiet)) {
      for (const peer of this.byIndex) {
        if (!peer.signaled && peer.maySend(KIND.credits, true)) peer.postCredits(true);
      }
      await this.progress(arrived);
    }
    for (const { rank } of this.byIndex) await this.core.tell(rank, 'finished');
    for (const { rank } of this.byIndex) await this.core.hear(rank);
  }

  private async connectTo(rank: number): Promise<void> {
    const { core, device, shape, cq } = this;
    const index = this.byIndex.length;
    const region = await this.allocate(regionBytes(shape));
    const connection = await connect(core, device, {
      peer: rank,
      sendCq: cq,
      recvCq: cq,
      cap: {
        maxSendWr: sendDepth(shape),
        maxRecvWr: receiveSlots(shape),
        maxSendSge: 2,
        maxRecvSge: 1,
        maxInlineData: device.context.attributes.maxInlineData,
      },
      region,
      receives: (qp) => Peer.postReceives(index, qp, region, shape),
    });
    const peer = new Peer(index, rank, connection, region, shape);
    this.peers.set(rank, peer);
    this.byIndex.push(peer);
  }

  private requireSuccess({ status }: WorkCompletion, peer: Peer, kind: number): void {
    if (status === 'SUCCESS') return;
    const what = ['a receive from', 'a send to', 'a read from'][kind]!;
    throw new Error(`rank ${this.core.rank}: ${what} rank ${peer.rank} completed with ${status}`);
  }
}
