/**
 * How the driver of host/paging has its device move bytes: frames by bus address, or RDMA on memory that is paged on
 * demand.
 */
import {
  ACCESS,
  type Core,
  type DmaMapping,
  type Region,
  type Sge,
  type WcStatus,
} from '../../node/program/verbs.js';
import { lkey } from '../../units/keys.js';
import { connect, openDevice } from '../authoring/connect.js';
import { frameHeader } from './paging-peer.js';
import {
  ETHER_TYPE,
  HEADER,
  OFFSET,
  PAGE,
  PEER,
  type Order,
  type PagingParameters,
} from './paging-plan.js';

interface Moved {
  readonly status: WcStatus;
  /** From the transfer's beginning until it was seen to be over, in ps. */
  readonly took: number;
}

export interface Device {
  /** Of descriptors, as records name it; 0 where there are none. */
  readonly qpNum: number;
  /** Makes ready for a transfer: the buffer holds what it is to hold. */
  prepare(round: number): Promise<void>;
  /** Sends the buffer (read), or waits for what the peer sends into it (write). */
  move(order: Order): Promise<Moved>;
}

export const openPagingDevice = (
  core: Core,
  params: PagingParameters,
  buffer: Region,
): Promise<Device> =>
  params.memory === 'odp' ? openRdma(core, params, buffer) : openFrames(core, params, buffer);

const BUS_QUEUES = { maxSendSge: 2, maxRecvSge: 2, maxSendWr: 4, maxRecvWr: 4 };

async function openFrames(core: Core, params: PagingParameters, buffer: Region): Promise<Device> {
  const { iommu, memory, direction, size } = params;
  const { context, pd } = await openDevice(core);
  const cq = await context.createCq(16);
  const options = { sendCq: cq, recvCq: cq, cap: BUS_QUEUES, busAddresses: true };
  const qp = await pd.createQp({ type: 'RAW_PACKET', ...options });
  const start = async (): Promise<void> => {
    await qp.modify({ state: 'INIT', port: 1 });
    await qp.modify({ state: 'RTR' });
    await qp.modify({ state: 'RTS' });
  };
  await start();
  await qp.attachFlow({ etherType: ETHER_TYPE });

  // The header of what is sent, or received, never moves.
  const header = await core.allocate(PAGE);
  await core.write(header.address, frameHeader(1, 0));
  if (iommu === 'on') await core.mapDma(header);
  const headerAt = iommu === 'on' ? header.address : (await core.pagemap(header.address))!;

  let bufferAt = buffer.address;
  let mapping: DmaMapping | undefined;
  if (memory === 'pinned') {
    if (iommu === 'on') await core.mapDma(buffer);
    else bufferAt = (await core.pin(buffer)).pages[0]!;
  }
  /** No key is looked at. */
  const sges = (): Sge[] => [
    { address: headerAt, length: HEADER, lkey: lkey(0) },
    { address: bufferAt + OFFSET, length: size, lkey: lkey(0) },
  ];

  return {
    qpNum: qp.qpNum,
    prepare: async (round) => {
      if (memory === 'unpinned' && iommu === 'on') {
        await mapping?.unmap();
        mapping = await core.mapDma(buffer, { pin: false });
      } else if (memory === 'unpinned') {
        bufferAt = (await core.pagemap(buffer.address))!;
      }
      if (direction === 'write') qp.postRecv({ wrId: round, sges: sges() });
    },
    move: async ({ round, begins }) => {
      if (direction === 'read') {
        await core.sleepUntil(begins);
        qp.postSend({ opcode: 'SEND', wrId: round, sges: sges() });
      }
      const { status } = (await cq.busyPoll())[0]!;
      const took = core.now - begins;
      if (status !== 'SUCCESS' && direction === 'read') await qp.modify({ state: 'RTS' });
      if (status !== 'SUCCESS' && direction === 'write') {
        await qp.modify({ state: 'RESET' });
        await start();
      }
      return { status, took };
    },
  };
}

async function openRdma(core: Core, params: PagingParameters, buffer: Region): Promise<Device> {
  const { direction, size } = params;
  const device = await openDevice(core);
  const access = ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.ON_DEMAND;
  const place = { address: buffer.address + OFFSET, length: size };
  const region = await device.pd.registerMemory(place, access);
  const cq = await device.context.createCq(16);
  const options = { peer: PEER, sendCq: cq, recvCq: cq, cap: {}, region };
  const { qp, remote } = await connect(core, device, options);
  return {
    qpNum: 0,
    prepare: () => Promise.resolve(),
    move: async ({ begins }) => {
      if (direction === 'write') return (await core.hear(PEER)) as Moved;
      await core.sleepUntil(begins);
      qp.postSend({
        opcode: 'RDMA_WRITE',
        sges: [region.sge()],
        remoteAddress: remote.address,
        rkey: remote.rkey,
      });
      const { status } = (await cq.busyPoll())[0]!;
      return { status, took: core.now - begins };
    },
  };
}
