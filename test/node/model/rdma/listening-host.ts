/** A host that listens, and what a peer asks it by hand: the ground of the responder's tests. */
import type { MemoryRegion, WorkCompletion } from '../../../../node/program/verbs.js';
import { ACCESS } from '../../../../node/program/verbs.js';
import { ACK_NO_CREDIT } from '../../../../wire/aeth.js';
import type { Extensions } from '../../../../wire/extension.js';
import { opcodeName, type OpcodeName } from '../../../../wire/opcode-table.js';
import { EVERYTHING, toInit, toRtr, toRts } from './pair.js';
import { FIRST_QP, ScriptedPeer } from './scripted-peer.js';

/** Where the peer's PSNs begin. */
export const PSN = 0xfffffd;
export const MTU = 256;

/** The peer, the host's region that it may name, and the completions of the host's receives. */
export let peer: ScriptedPeer;
export let region: MemoryRegion;
export let received: WorkCompletion[];

export interface Setting {
  readonly receives?: readonly number[];
  readonly qpAccess?: number;
  readonly access?: number;
  readonly maxDestRdAtomic?: number;
  readonly overrides?: readonly string[];
  /** Deregisters the region this number of picoseconds after the queue pair is ready. */
  readonly deregisterAfter?: number;
}

/** A host that answers, with receives of these lengths posted at byte 32768 of its region, 1024 bytes apart. */
export async function listens(setting: Setting = {}): Promise<void> {
  received = [];
  const attributes = {
    accessFlags: setting.qpAccess ?? EVERYTHING,
    pathMtu: MTU,
    timeout: 14,
    retryCnt: 7,
    rnrRetry: 7,
    minRnrTimer: 14,
    maxRdAtomic: 4,
    maxDestRdAtomic: setting.maxDestRdAtomic ?? 4,
    sqPsn: 5,
    rqPsn: PSN,
  };
  peer = await ScriptedPeer.start(
    async (core) => {
      const context = await core.openDevice();
      const pd = await context.allocatePd();
      const cq = await context.createCq(64);
      const memory = await core.allocate(65536);
      region = await pd.registerMemory(memory, setting.access ?? EVERYTHING);
      const local = await pd.registerMemory(memory, ACCESS.LOCAL_WRITE);
      const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
      await qp.modify(toInit(attributes));
      setting.receives?.forEach((length, i) => {
        const sges = length === 0 ? [] : [local.sge(32768 + i * 1024, length)];
        qp.postRecv({ wrId: i, sges });
      });
      await qp.modify(toRtr(attributes, { host: 1, qpNum: FIRST_QP }));
      await qp.modify(toRts(attributes));
      if (setting.deregisterAfter !== undefined) {
        await core.sleep(setting.deregisterAfter as never);
        await region.deregister();
        await local.deregister();
      }
      for (;;) received.push(...(await cq.busyPoll()));
    },
    { memory: 4 << 20, overrides: setting.overrides ?? [] },
  );
}

/** Extension headers that name `offset` of the host's region. */
export const reth = (
  offset: number,
  dmaLength: number,
  rkey: number = region.rkey,
): Extensions => ({
  reth: { ...halves(region.address + offset), rkey, dmaLength },
});
const halves = (address: number): { vaHigh: number; vaLow: number } => ({
  vaHigh: Math.floor(address / 2 ** 32),
  vaLow: address >>> 0,
});
export const atomic = (offset: number, add: number, rkey: number = region.rkey): Extensions => ({
  atomic: {
    ...halves(region.address + offset),
    rkey,
    swapHigh: 0,
    swapLow: add,
    compareHigh: 0,
    compareLow: 0,
  },
});

export const request = (
  opcode: OpcodeName,
  offset: number,
  payload: number | Uint8Array,
  extensions: Extensions = {},
  ackReq = /ONLY|LAST|READ|SWAP|FETCH/.test(opcode),
): Promise<void> => peer.send({ opcode, psn: PSN + offset, payload, extensions, ackReq });

/** What came back since the last look: opcode, PSN from the first one on, syndrome and MSN. */
export const answers = (): string[] =>
  peer.news().map(({ bth, extensions: { aeth } }) => {
    const psn = (bth.psn - PSN) & 0xffffff;
    const offset = psn < 2 ** 23 ? psn : psn - 2 ** 24;
    const what = aeth === undefined ? '' : ` ${aeth.syndrome.toString(16)} msn ${aeth.msn}`;
    return `${opcodeName(bth.opcode)} ${offset}${what}`;
  });
export const ack = (offset: number, msn: number, syndrome = ACK_NO_CREDIT): string =>
  `RC ACK ${offset} ${syndrome.toString(16)} msn ${msn}`;
export const statuses = (): string[] => received.map(({ status }) => status);
