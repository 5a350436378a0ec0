/**
 * Five ways to have a NIC read a program's buffer that the pager may move:
 *
 *     copy         the bytes are copied into a registered ring, which is what is sent
 *     pin          each message's pages are pinned by a system call, sent by their bus addresses, and unpinned
 *     register     each message's buffer is registered, sent and deregistered
 *     registered   one buffer was registered beforehand
 *     cache        buffers are found in a registration cache
 *
 * Each counts what it costs the core until the buffer may be used again.
 */
import { ACCESS, type Core, type Region, type Sge } from '../../node/program/verbs.js';
import { hostMac } from '../../units/address.js';
import { lkey } from '../../units/keys.js';
import { connect, openDevice, type Device } from '../authoring/connect.js';
import type { CostMeter } from './cost-meter.js';
import { FRAME_HEADER, FRAME_PAYLOAD, writeFrameHeader } from './pinning-frames.js';

const PEER = 1;
const PAGE = 4096;
/** Buffers that take turns. */
const BUFFERS = 8;
const RING_SLOTS = 2;

export interface Sender {
  /** The buffer that message `index` is to be written into. */
  buffer(index: number): Region;
  /** Sends it, and has its buffer back. */
  send(index: number, meter: CostMeter): Promise<void>;
}

export type Strategy = 'copy' | 'pin' | 'register' | 'registered' | 'cache';

export const STRATEGIES: readonly Strategy[] = ['copy', 'pin', 'register', 'registered', 'cache'];

export async function openSender(core: Core, strategy: Strategy, size: number): Promise<Sender> {
  const device = await openDevice(core);
  const count = strategy === 'cache' ? BUFFERS : 1;
  const buffers: Region[] = [];
  for (let i = 0; i < count; i++) {
    const { address } = await core.mmap(size, { populate: true });
    buffers.push({ address, length: size });
  }
  const buffer = (index: number): Region => buffers[index % count]!;
  const send =
    strategy === 'pin'
      ? await pinning(core, device, buffer, size)
      : await writing(core, device, strategy, buffer, size);
  return { buffer, send };
}

type Send = Sender['send'];

/** By RDMA WRITE, out of registered memory. */
async function writing(
  core: Core,
  device: Device,
  strategy: Exclude<Strategy, 'pin'>,
  buffer: (index: number) => Region,
  size: number,
): Promise<Send> {
  const { pd, context } = device;
  const cq = await context.createCq(16);
  const ring = await pd.registerMemory(await core.allocate(size * RING_SLOTS), 0);
  const options = { peer: PEER, region: ring, sendCq: cq, recvCq: cq, cap: {} };
  const { qp, remote } = await connect(core, device, options);
  const write = (index: number, sge: Sge): void =>
    qp.postSend({
      opcode: 'RDMA_WRITE',
      sges: [sge],
      remoteAddress: remote.address + index * size,
      rkey: remote.rkey,
    });
  const finish = async (meter: CostMeter): Promise<void> => {
    const [completion] = await meter.poll(cq);
    if (completion!.status !== 'SUCCESS') throw new Error(`a WRITE ended ${completion!.status}`);
  };
  if (strategy === 'copy') {
    return async (index, meter) => {
      const slot = (index % RING_SLOTS) * size;
      await meter.count(async () => {
        const { address } = buffer(index);
        ring.bytes.set(await core.read(address, size), slot);
        write(index, ring.sge(slot, size));
      });
      await finish(meter);
    };
  }
  if (strategy === 'register') {
    return async (index, meter) => {
      const region = await meter.count(async () => {
        const registered = await pd.registerMemory(buffer(index), 0);
        write(index, registered.sge());
        return registered;
      });
      await finish(meter);
      await meter.count(() => region.deregister());
    };
  }
  if (strategy === 'registered') {
    const region = await pd.registerMemory(buffer(0), 0);
    return async (index, meter) => {
      await meter.count(() => write(index, region.sge()));
      await finish(meter);
    };
  }
  const cache = pd.registrationCache(0);
  // What a buffer's first use costs is what `register` costs; here all have been used before.
  for (let i = 0; i < BUFFERS; i++) await cache.find(buffer(i));
  return async (index, meter) => {
    await meter.count(async () => write(index, (await cache.find(buffer(index))).sge()));
    await finish(meter);
  };
}

/** By raw frames of the interface's MTU, whose bytes the NIC reads at bus addresses. */
async function pinning(
  core: Core,
  { pd, context }: Device,
  buffer: (index: number) => Region,
  size: number,
): Promise<Send> {
  const frames = Math.ceil(size / FRAME_PAYLOAD);
  const cq = await context.createCq(16);
  const cap = { maxSendWr: frames + 1, maxSendSge: 3 };
  const raw = { type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap, busAddresses: true } as const;
  const qp = await pd.createQp(raw);
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
  // The headers stay where they are: memory of allocate() is never replaced.
  const headers = await core.allocate(frames * FRAME_HEADER);
  const headersAt = (await core.pagemap(headers.address))!;
  await core.hear(PEER);
  return async (index, meter) => {
    const { address } = buffer(index);
    const bytes = new Uint8Array(frames * FRAME_HEADER);
    for (let frame = 0; frame < frames; frame++) {
      writeFrameHeader(bytes, frame, hostMac(PEER), hostMac(core.host), index);
    }
    await core.write(headers.address, bytes);
    const pinned = await meter.count(async () => {
      const pages = await core.pin(buffer(index));
      qp.postSendList(
        Array.from({ length: frames }, (_, frame) => ({
          opcode: 'SEND' as const,
          signaled: frame === frames - 1,
          sges: [
            bus(headersAt + frame * FRAME_HEADER, FRAME_HEADER),
            ...pieces(pages.pages, address, frame * FRAME_PAYLOAD, size),
          ],
        })),
      );
      return pages;
    });
    const [completion] = await meter.poll(cq);
    if (completion!.status !== 'SUCCESS') throw new Error(`a frame ended ${completion!.status}`);
    await meter.count(() => pinned.unpin());
  };
}

const bus = (address: number, length: number): Sge => ({ address, length, lkey: lkey(0) });

/** The frame that begins at byte `from` of a buffer at `address`, page by page. */
function pieces(pages: readonly number[], address: number, from: number, size: number): Sge[] {
  const sges: Sge[] = [];
  const end = Math.min(from + FRAME_PAYLOAD, size);
  for (let at = from; at < end;) {
    const offset = (address % PAGE) + at;
    const length = Math.min(PAGE - (offset % PAGE), end - at);
    sges.push(bus(pages[Math.floor(offset / PAGE)]! + (offset % PAGE), length));
    at += length;
  }
  return sges;
}

/** The peer's memory for `messages` messages that are written into it. */
export async function openTarget(core: Core, size: number, messages: number) {
  const device = await openDevice(core);
  const cq = await device.context.createCq(16);
  const region = await device.pd.registerMemory(
    await core.allocate(size * messages),
    ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE,
  );
  await connect(core, device, { peer: 0, region, sendCq: cq, recvCq: cq, cap: {} });
  return region;
}
