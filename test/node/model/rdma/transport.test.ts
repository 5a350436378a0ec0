/** The seam between the engine and a kind of queue pair: one that only this test has, beside a reliable connection. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeQp, modifyQp } from '../../../../node/model/kernel/queue-pair-attributes.js';
import type { Nic } from '../../../../node/model/nic.js';
import { DOORBELL, newDoorbell, type Doorbell } from '../../../../node/model/nic/doorbell.js';
import { QP_ATTR } from '../../../../node/model/rdma/qp-attributes.js';
import type { QueuePair } from '../../../../node/model/rdma/queue-pair.js';
import { ReceiveQueue } from '../../../../node/model/rdma/receive-queue.js';
import { SendQueue } from '../../../../node/model/rdma/send-queue.js';
import { discarding, type DiscardingTransport } from './discarding-transport.js';
import {
  ack,
  answers,
  listens,
  peer,
  PSN,
  region,
  request,
  reth,
  statuses,
} from './listening-host.js';

let nic: Nic;
let qp: QueuePair;
let transport: DiscardingTransport;

/** A reliable connection listens as queue pair 0x11; ours is the next. */
beforeEach(async () => {
  await listens({ receives: [64] });
  ({ nic } = peer.machine['hosts'][0]!);
  const cq = nic.engine.completionQueues[0]!;
  const kind = discarding((made) => (transport = made));
  qp = nic.engine.createQp(kind, {
    pd: 0,
    sendCq: cq,
    recvCq: cq,
    sqSigAll: false,
    sends: new SendQueue(0, 64, 4, nic.parts.pool.chainLog),
    receives: new ReceiveQueue(0, 64, 4, 1),
    bus: null,
    machine: null,
  });
});

afterEach(async () => {
  await peer.close();
});

const doorbell = (kind: number, produced: number): Doorbell => ({
  ...newDoorbell(),
  kind,
  queuePair: qp.index,
  produced,
});

/** A packet to our queue pair. */
const send = (psn: number, source = 1): Promise<void> =>
  peer.send({ opcode: 'RC_SEND_ONLY', psn, destQp: qp.number, source, payload: 8, ackReq: true });

describe('a queue pair of another kind', () => {
  it('gets the packets that name it and that it accepts; the others count as dropped', async () => {
    expect(qp.number).toBe(0x12);
    await send(7);
    await send(3);
    await send(4, 2);
    expect(transport.discarded).toEqual([7, 3]);
    expect(peer.counter('dropped')).toBe(1);
    expect(answers()).toEqual([]);
    expect(peer.machine.pool.used).toBe(0);
  });

  it('gets its doorbells and its events, and no other’s', async () => {
    const key = nic.parts.sequencer.key();
    const chains = nic.engine.doorbellChains;
    nic.ring(doorbell(DOORBELL.send, 3), peer.now + 10, key, chains);
    nic.ring(doorbell(DOORBELL.receive, 2), peer.now + 20, key + 1, chains);
    transport.wakeAt(peer.now + 30);
    await peer.run();
    expect(transport.doorbells).toEqual([`${DOORBELL.send}: 3`, `${DOORBELL.receive}: 2`]);
    expect(transport.wakes).toBe(1);
  });

  it('is moved by ibv_modify_qp along its own transitions, and told of an error of its CQ', () => {
    const limits = { profile: nic.parts.profile, hosts: 2, mtu: 1024 };
    const mask = QP_ATTR.STATE | QP_ATTR.PORT | QP_ATTR.PKEY_INDEX | QP_ATTR.ACCESS_FLAGS;
    const attributes = { state: 'INIT', port: 1, pkeyIndex: 0, accessFlags: 0 };
    const call = { qp: qp.index, mask, attributes, sends: 0, receives: 0 };
    modifyQp(qp, call, limits);
    expect(() => {
      modifyQp(qp, { ...call, mask: QP_ATTR.STATE, attributes: { state: 'RTS' } }, limits);
    }).toThrow('no transition from INIT to RTS');
    expect(transport.moves).toEqual(['INIT']);
    expect(describeQp(qp)).toEqual({ state: 'INIT' });
    nic.engine.overran(qp.sendCq);
    expect(transport.errors).toBe(1);
  });

  it('leaves the reliable connection beside it undisturbed, and is counted beside it', async () => {
    await send(0);
    await request('RC_SEND_ONLY', 0, Uint8Array.of(1, 2));
    await send(PSN);
    await request('RC_WRITE_ONLY', 1, Uint8Array.of(5), reth(0, 1));
    expect(answers()).toEqual([ack(0, 1), ack(1, 2)]);
    expect(statuses()).toEqual(['SUCCESS']);
    expect(region.bytes[0]).toBe(5);
    const pairs = peer.machine.metrics()[0]!.queuePairs;
    expect(pairs.map(({ type, receivedPackets }) => [type, receivedPackets])).toEqual([
      ['RC', 2],
      ['DISCARDING', 2],
    ]);
  });

  it('is gone once it is destroyed: what still comes for it is dropped, and its number stays unused', async () => {
    nic.engine.destroyQp(qp);
    nic.ring(doorbell(DOORBELL.send, 3), peer.now + 10, 1, nic.engine.doorbellChains);
    transport.wakeAt(peer.now + 30);
    await send(7);
    expect([transport.destroyed, transport.discarded, transport.doorbells]).toEqual([true, [], []]);
    expect(transport.wakes).toBe(0);
    expect(peer.counter('dropped')).toBe(1);
    expect(nic.engine.queuePairs[qp.index]).toBe(undefined);
    expect(nic.engine.liveQueuePairs).toBe(1);
  });
});
