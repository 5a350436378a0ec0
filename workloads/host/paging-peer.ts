/** The peer of host/paging, on the other host: it sends what the driver is to receive, and says what it received. */
import { ACCESS, type Core } from '../../node/program/verbs.js';
import { hostMac } from '../../units/address.js';
import { connect, openDevice, sharedRegion } from '../authoring/connect.js';
import {
  bytesOf,
  DRIVER,
  ETHER_TYPE,
  HEADER,
  messageByte,
  PAGE,
  type Order,
  type PagingParameters,
} from './paging-plan.js';

export async function peer(core: Core, params: PagingParameters): Promise<void> {
  await (params.memory === 'odp' ? overRdma(core, params) : overFrames(core, params));
}

/** Where the payload of frames sent, and of frames received, lies. */
const RECEIVED = 2048;

async function overFrames(core: Core, { direction, size }: PagingParameters): Promise<void> {
  const { context, pd } = await openDevice(core);
  const region = await pd.registerMemory(await core.allocate(PAGE), ACCESS.LOCAL_WRITE);
  const cq = await context.createCq(16);
  const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap: QUEUES });
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
  await qp.attachFlow({ etherType: ETHER_TYPE });
  region.bytes.set(frameHeader(0, 1));
  const length = HEADER + size;
  await core.tell(DRIVER, 'ready');
  for (;;) {
    const order = (await core.hear(DRIVER)) as Order | 'done';
    if (order === 'done') return;
    if (direction === 'write') {
      region.bytes.set(
        bytesOf(size, (place) => messageByte(order.round, place)),
        HEADER,
      );
      await core.sleepUntil(order.begins);
      qp.postSend({ opcode: 'SEND', sges: [region.sge(0, length)] });
      await cq.busyPoll();
      continue;
    }
    qp.postRecv({ sges: [region.sge(RECEIVED, length)] });
    await core.tell(DRIVER, 'ready');
    await core.hear(DRIVER);
    const [completion] = await cq.poll();
    if (completion === undefined) {
      // The receive stays; what is posted anew comes behind it.
      await core.tell(DRIVER, null);
    } else {
      await core.tell(DRIVER, [...region.bytes.subarray(RECEIVED + HEADER, RECEIVED + length)]);
    }
  }
}

/** One transfer at a time, and receives that an aborted one leaves behind. */
const QUEUES = { maxSendWr: 4, maxRecvWr: 64 };

/** From host `from` to host `to`. */
export const frameHeader = (to: number, from: number): Uint8Array =>
  Uint8Array.of(...hostMac(to), ...hostMac(from), ETHER_TYPE >> 8, ETHER_TYPE & 0xff);

async function overRdma(core: Core, { direction, size }: PagingParameters): Promise<void> {
  const device = await openDevice(core);
  const region = await sharedRegion(core, device.pd, PAGE);
  const cq = await device.context.createCq(16);
  const options = { peer: DRIVER, sendCq: cq, recvCq: cq, cap: QUEUES, region };
  const { qp, remote } = await connect(core, device, options);
  await core.tell(DRIVER, 'ready');
  for (;;) {
    const order = (await core.hear(DRIVER)) as Order | 'done';
    if (order === 'done') return;
    if (direction === 'write') {
      region.bytes.set(bytesOf(size, (place) => messageByte(order.round, place)));
      await core.sleepUntil(order.begins);
      qp.postSend({
        opcode: 'RDMA_WRITE',
        sges: [region.sge(0, size)],
        remoteAddress: remote.address,
        rkey: remote.rkey,
      });
      const [{ status } = { status: 'nothing' }] = await cq.busyPoll();
      await core.tell(DRIVER, { status, took: core.now - order.begins });
      continue;
    }
    region.bytes.fill(0);
    await core.tell(DRIVER, 'ready');
    await core.hear(DRIVER);
    await core.tell(DRIVER, [...region.bytes.subarray(0, size)]);
  }
}
