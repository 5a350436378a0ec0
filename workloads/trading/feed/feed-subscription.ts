/**
 * A subscriber's end of a feed: receives for its datagrams, their numbering, and word to the publisher of new receives.
 */
import type {
  CompletionQueue,
  Core,
  MemoryRegion,
  Rkey,
  WorkCompletion,
} from '../../../node/program/verbs.js';
import { connect, sharedRegion, type Device } from '../../authoring/connect.js';
import { MoldReceiver } from './mold-receiver.js';
import { ReceiveRing, type RingShape } from './receive-ring.js';
import { requireSuccess, SendWindow } from './send-window.js';
import { GRANTS_BYTES, SEND_DEPTH, SESSION } from '../session/tick-to-trade-session.js';

/** A message in its datagram: where it starts in {@link FeedSubscription.view}, and its number in the feed. */
export interface FeedMessage {
  readonly start: number;
  readonly sequence: number;
}

export class FeedSubscription {
  readonly qpNum: number;
  readonly view: DataView;
  /** The publisher has said that nothing more comes. */
  ended = false;
  private readonly region: MemoryRegion;
  private readonly ring: ReceiveRing;
  private readonly sends: SendWindow;
  private readonly grants: { readonly remoteAddress: number; readonly rkey: Rkey };
  private readonly grantAt: number;
  private readonly receiver: MoldReceiver;
  private messages: FeedMessage[] = [];
  private batches = 0;

  /** Connects to `peer`; datagrams complete in `recvCq`. */
  static async open(
    core: Core,
    device: Device,
    peer: number,
    recvCq: CompletionQueue,
    shape: RingShape,
  ): Promise<FeedSubscription> {
    const region = await sharedRegion(core, device.pd, shape.slots * shape.slotBytes + 1);
    const sendCq = await device.context.createCq(SEND_DEPTH);
    let ring: ReceiveRing | undefined;
    const { qp, remote } = await connect(core, device, {
      peer,
      sendCq,
      recvCq,
      cap: { maxSendWr: SEND_DEPTH, maxRecvWr: shape.slots, maxInlineData: 1 },
      region,
      receives: (created) => (ring = new ReceiveRing(created, region, shape)),
    });
    const grants = {
      remoteAddress: remote.address + remote.length - GRANTS_BYTES,
      rkey: remote.rkey,
    };
    const sends = new SendWindow(qp, sendCq, SEND_DEPTH);
    return new FeedSubscription(qp.qpNum, region, ring!, sends, grants);
  }

  private constructor(
    qpNum: number,
    region: MemoryRegion,
    ring: ReceiveRing,
    sends: SendWindow,
    grants: FeedSubscription['grants'],
  ) {
    this.qpNum = qpNum;
    this.region = region;
    this.view = region.data;
    this.ring = ring;
    this.sends = sends;
    this.grants = grants;
    this.grantAt = region.length - 1;
    this.receiver = new MoldReceiver(SESSION, (_bytes, start, _end, sequence) => {
      this.messages.push({ start, sequence });
    });
  }

  /** Datagrams that were not the next one, or none at all: a reliable connection has no such. */
  get faults(): number {
    const { gap, duplicate, foreign, malformed } = this.receiver.counts;
    return gap + duplicate + foreign + malformed;
  }

  /** The messages of a datagram that arrived. */
  take(completion: WorkCompletion): FeedMessage[] {
    requireSuccess(completion);
    const at = this.ring.at(completion.wrId);
    const verdict = this.receiver.receive(this.region.bytes, at, at + completion.byteLen);
    if (verdict === 'end') this.ended = true;
    const { messages } = this;
    this.messages = [];
    return messages;
  }

  /** The datagram is done with. Now and then the publisher learns of a batch of new receives. */
  async free(completion: WorkCompletion): Promise<void> {
    if (!this.ring.free(completion.wrId)) return;
    this.batches++;
    this.view.setUint8(this.grantAt, this.batches & 0xff);
    await this.sends.ease();
    const sges = [this.region.sge(this.grantAt, 1)];
    const { sends, grants } = this;
    const signaled = sends.admit();
    sends.qp.postSend({
      opcode: 'RDMA_WRITE',
      wrId: sends.posted,
      signaled,
      sges,
      inline: true,
      remoteAddress: grants.remoteAddress,
      rkey: grants.rkey,
    });
  }
}
