/**
 * Whatever bytes reach the receive pipeline: nothing throws, no frame is kept, no memory is written that was not
 * granted.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCESS, type MemoryRegion } from '../../../../node/program/verbs.js';
import { RandomStream } from '../../../../sim/random.js';
import { NAK } from '../../../../wire/aeth.js';
import type { Extensions } from '../../../../wire/extension.js';
import { BTH_LENGTH } from '../../../../wire/bth.js';
import { ETHERNET_LENGTH } from '../../../../wire/ethernet.js';
import { writeIcrc } from '../../../../wire/icrc.js';
import { EXTENSION_LENGTH, OPCODE, type OpcodeName } from '../../../../wire/opcode-table.js';
import { EVERYTHING, toInit, toRtr, toRts } from './pair.js';
import { FIRST_QP, packetBytes, ScriptedPeer } from './scripted-peer.js';

const ROUNDS = 4000;
const QUEUE_PAIRS = 16;
const HEADERS = 54;
const ATTRIBUTES = {
  ...{ accessFlags: EVERYTHING, pathMtu: 256, timeout: 8, retryCnt: 2, rnrRetry: 2 },
  ...{ minRnrTimer: 1, maxRdAtomic: 4, maxDestRdAtomic: 4, sqPsn: 100, rqPsn: 100 },
};

let peer: ScriptedPeer;
let granted: MemoryRegion;
let secret: MemoryRegion;
let polled = 0;

beforeEach(async () => {
  peer = await ScriptedPeer.start(
    async (core) => {
      const context = await core.openDevice();
      const pd = await context.allocatePd();
      const cq = await context.createCq(4096);
      granted = await pd.registerMemory(await core.allocate(4096), EVERYTHING);
      secret = await pd.registerMemory(await core.allocate(4096), ACCESS.LOCAL_WRITE);
      secret.bytes.fill(0x5a);
      for (let i = 0; i < QUEUE_PAIRS; i++) {
        const qp = await pd.createQp({ sendCq: cq, recvCq: cq });
        await qp.modify(toInit(ATTRIBUTES));
        for (let n = 0; n < 4; n++) qp.postRecv({ sges: [granted.sge(2048, 1024)] });
        await qp.modify(toRtr(ATTRIBUTES, { host: 1, qpNum: FIRST_QP }));
        await qp.modify(toRts(ATTRIBUTES));
        const remote = { remoteAddress: 4096, rkey: 5 as never };
        qp.postSend({ opcode: 'RDMA_WRITE', sges: [granted.sge(0, 1000)], ...remote });
        qp.postSend({ opcode: 'RDMA_READ', sges: [granted.sge(0, 1000)], ...remote });
        qp.postSend({
          opcode: 'ATOMIC_FETCH_AND_ADD',
          sges: [granted.sge(0, 8)],
          add: 1n,
          ...remote,
        });
      }
      for (;;) polled += (await cq.busyPoll()).length;
    },
    { memory: 4 << 20 },
  );
});
afterEach(async () => {
  await peer.close();
});

/** A packet that a peer could send, for one of the queue pairs, near the PSNs that are in use. */
function plausible(random: RandomStream): { bytes: Uint8Array; headers: number } {
  const names = Object.keys(OPCODE) as OpcodeName[];
  const opcode = names[random.below(names.length)]!;
  const address = granted.address + random.below(6000) - 1000;
  const named = {
    vaHigh: Math.floor(address / 2 ** 32),
    vaLow: address >>> 0,
    rkey: random.below(2) === 0 ? granted.rkey : (secret.rkey as number),
  };
  const syndromes = [0x1f, 0x1f, 0x20, 0x2c, ...Object.values(NAK), random.below(256)];
  const operands = { swapHigh: 1, swapLow: 2, compareHigh: 0, compareLow: 0 };
  const extensions: Extensions = {
    aeth: { syndrome: syndromes[random.below(syndromes.length)]!, msn: random.below(8) },
    reth: { ...named, dmaLength: [0, 4, 256, 1000, 2 ** 32 - 1][random.below(5)]! },
    atomic: { ...named, ...operands },
    atomicAck: { originalHigh: 0, originalLow: 0 },
    immediate: { immediate: 1 },
    ieth: { rkey: named.rkey },
    deth: { qkey: 0, srcQp: 1 } as never,
  };
  const bytes = packetBytes({
    ...{ opcode, psn: 100 + random.below(14), destQp: FIRST_QP + random.below(QUEUE_PAIRS) },
    ...{ ackReq: random.below(2) === 0, extensions },
    payload: [0, 1, 4, 256, 488 - 256, random.below(1000)][random.below(6)]!,
  });
  return { bytes, headers: HEADERS + EXTENSION_LENGTH[OPCODE[opcode]]! };
}

/** Throws `rounds` packets at the host, and looks at what they left. */
async function attack(
  seed: number,
  change: (bytes: Uint8Array, headers: number, random: RandomStream) => [Uint8Array, number],
  suspect: boolean,
): Promise<void> {
  const random = new RandomStream(seed, 'hostile');
  for (let i = 0; i < ROUNDS; i++) {
    const { bytes, headers } = plausible(random);
    const [changed, says] = change(bytes, headers, random);
    peer.inject(changed, says, suspect);
    await peer.run(2e6);
  }
  await peer.run(50e9);
  expect(peer.machine.pool.used).toBe(0);
  expect(secret.bytes.every((byte) => byte === 0x5a)).toBe(true);
}

const flip = (bytes: Uint8Array, random: RandomStream): void => {
  bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
};

describe('hostile frames', () => {
  it('that are whole packets, in any order', async () => {
    await attack(1, (bytes, headers) => [bytes, headers], false);
    // They have been at work: every queue pair has come to its end, and flushed.
    expect(polled).toBeGreaterThan(QUEUE_PAIRS * 4);
  });

  it('with bits flipped and the ICRC left wrong: all are dropped', async () => {
    const before = peer.counter('rx_packets');
    await attack(
      2,
      (bytes, headers, random) => {
        // Behind the BTH nothing is left to routers, so the ICRC tells.
        bytes[HEADERS + random.below(bytes.length - HEADERS)]! ^= 1 << random.below(8);
        return [bytes, headers];
      },
      true,
    );
    expect(peer.counter('rx_packets') - before).toBe(ROUNDS);
    expect(peer.counter('icrc_errors')).toBe(ROUNDS);
  });

  it('with bits flipped and the ICRC made right', async () => {
    await attack(
      3,
      (bytes, headers, random) => {
        for (let n = random.below(4); n >= 0; n--) flip(bytes, random);
        writeIcrc(bytes, 0, bytes.length);
        return [bytes, headers];
      },
      true,
    );
  });

  it('with bits flipped where nobody looks at the ICRC', async () => {
    await attack(
      4,
      (bytes, headers, random) => {
        for (let n = random.below(4); n >= 0; n--) flip(bytes, random);
        return [bytes, headers];
      },
      false,
    );
  });

  it.each([false, true])('cut short, or lengthened (ICRC looked at: %s)', async (suspect) => {
    await attack(
      5,
      (bytes, headers, random) => {
        const cut = bytes.slice(0, headers + random.below(bytes.length - headers + 1));
        return random.below(2) === 0
          ? [cut, headers]
          : [Uint8Array.of(...bytes, ...new Uint8Array(random.below(9))), headers];
      },
      suspect,
    );
  });

  it.each([false, true])('of random bytes (ICRC looked at: %s)', async (suspect) => {
    await attack(
      6,
      (bytes, _headers, random) => {
        // Behind the Ethernet header, or behind the UDP header with right lengths.
        const kept = random.below(2) === 0 ? ETHERNET_LENGTH : HEADERS - BTH_LENGTH;
        const headers = HEADERS + random.below(40);
        const length = headers + random.below(300);
        const changed = Uint8Array.from({ length }, () => random.word());
        changed.set(bytes.subarray(0, kept));
        if (kept > ETHERNET_LENGTH) {
          new DataView(changed.buffer).setUint16(ETHERNET_LENGTH + 2, length - ETHERNET_LENGTH);
          changed[kept] = random.below(0x18);
        }
        return [changed, headers];
      },
      suspect,
    );
  });
});
