/**
 * The same requests as in captures of the Linux kernel's RoCE driver give the same packets: opcodes, PSNs, AckReq,
 * solicited and pad bits, MSNs, syndromes, lengths. Addresses, keys, queue pair numbers and payloads are each run's
 * own.
 */
import { describe, expect, it } from 'vitest';
import { udpSourcePort } from '../../wire/path.js';
import type { SendWr } from '../../node/program/verbs.js';
import { readCapture } from '../../wire/capture.js';
import type { CapturedPacket } from '../../wire/captured-packet.js';
import { parseFrame } from '../../wire/frame-parser.js';
import { opcodeName } from '../../wire/opcode-table.js';
import { pair, type PairOptions, type Side } from '../node/model/rdma/pair.js';
import { readCaptured } from '../wire/sample-frames.js';

/** Where the kernel's captures begin to count. */
const PSN = 11256064;
const SIZES = [0, 1, 2, 3, 64, 1024, 1025, 2048, 3000, 5000];

/** Everything that two runs of one scenario have in common. */
function summary(packet: CapturedPacket): unknown {
  const frame = parseFrame(packet.bytes, packet.linkType, packet.wireLength);
  const { ipv4, udp, roce } = frame;
  const { bth, extensions } = roce!;
  const { aeth, reth, atomic, atomicAck, immediate } = extensions;
  const { migReq, tver, pkey, fecn, becn, padCount } = bth;
  return {
    opcode: opcodeName(bth.opcode),
    psn: bth.psn - PSN,
    ackReq: bth.ackReq,
    solicited: bth.solicited,
    payload: roce!.payloadLength,
    bits: { migReq, tver, pkey, fecn, becn, padCount, pad: [...roce!.pad] },
    ip: { tos: ipv4!.tos, ttl: ipv4!.ttl, flags: ipv4!.flags, length: ipv4!.totalLength },
    udp: { length: udp!.length, checksum: udp!.checksum },
    icrc: roce!.icrcVerdict,
    aeth,
    dmaLength: reth?.dmaLength,
    operands: atomic && [atomic.swapHigh, atomic.swapLow, atomic.compareHigh, atomic.compareLow],
    atomicAck,
    immediate,
  };
}

const theirs = (name: string): unknown[] => readCaptured(name).map(summary);

/** What host 0's port saw of this scenario: `asks` on host 0, `answers` on host 1. */
async function ours(
  options: PairOptions,
  asks: (side: Side) => Promise<void>,
  answers: (side: Side) => Promise<void> = async (side) => side.meet(),
): Promise<unknown[]> {
  const blocks: Uint8Array[] = [];
  await pair(
    {
      ...options,
      qp: { sqPsn: PSN, pathMtu: 1024, ...options.qp },
      capture: (host, bytes) => {
        if (host === 0) blocks.push(bytes);
      },
    },
    asks,
    answers,
  );
  return [...readCapture(Buffer.concat(blocks))].map(summary);
}

/** One after the other, as the kernel's test program does. */
const each =
  (request: (side: Side, size: number) => SendWr) =>
  async (side: Side): Promise<void> => {
    for (const size of SIZES) await side.send(request(side, size));
    await side.meet();
  };

const receives = async (side: Side): Promise<void> => {
  for (let i = 0; i < SIZES.length; i++) side.receive(0, 5000);
  await side.meet();
  await side.completions(SIZES.length, side.recvCq);
  await side.meet();
};
const receivesThen =
  (asks: (side: Side) => Promise<void>) =>
  async (side: Side): Promise<void> => {
    await side.meet();
    await asks(side);
  };

describe('packets are the kernel’s', () => {
  it('SEND of 0 to 5000 bytes, one of them solicited', async () => {
    const asks = each((side, size) => ({
      ...side.message(0, size),
      opcode: 'SEND',
      solicited: size === 64,
    }));
    expect(await ours({}, receivesThen(asks), receives)).toEqual(theirs('tool_send'));
  });

  it('RDMA WRITE', async () => {
    const asks = each((side, size) => side.write(0, size));
    expect(await ours({}, asks)).toEqual(theirs('tool_write'));
  });

  it('RDMA WRITE at an MTU of 256', async () => {
    const asks = each((side, size) => side.write(0, size));
    expect(await ours({ qp: { pathMtu: 256 } }, asks)).toEqual(theirs('tool_write_mtu256'));
  });

  it('RDMA WRITE with immediate', async () => {
    const asks = each((side, size) => ({
      ...(side.write(0, size) as SendWr & { opcode: 'RDMA_WRITE' }),
      opcode: 'RDMA_WRITE_WITH_IMM',
      immediate: 0x20000000 + size,
    }));
    expect(await ours({}, receivesThen(asks), receives)).toEqual(theirs('tool_write_imm'));
  });

  it('RDMA READ', async () => {
    const asks = each((side, size) => side.read(0, size));
    expect(await ours({}, asks)).toEqual(theirs('tool_read'));
  });

  it('FETCH_ADD, a CMP_SWP that hits, one that misses', async () => {
    const asks = async (side: Side): Promise<void> => {
      await side.meet();
      const base = {
        sges: [side.region.sge(0, 8)],
        remoteAddress: side.remote.address,
        rkey: side.remote.rkey,
      };
      await side.send({ ...base, opcode: 'ATOMIC_FETCH_AND_ADD', add: 0x10n });
      const compareSwap = { ...base, opcode: 'ATOMIC_CMP_AND_SWP' } as const;
      await side.send({
        ...compareSwap,
        compare: 0x0102030405060718n,
        swap: 0xaabbccddeeff0011n,
      });
      await side.send({ ...compareSwap, compare: 1n, swap: 2n });
      await side.meet();
    };
    const answers = async (side: Side): Promise<void> => {
      side.region.data.setBigUint64(0, 0x0102030405060708n, true);
      await side.meet();
      await side.meet();
    };
    expect(await ours({}, asks, answers)).toEqual(theirs('tool_atomic'));
  });

  it('SEND before the receive is posted: RNR NAK, and again', async () => {
    const asks = async (side: Side): Promise<void> => {
      side.qp.postSend(side.message(0, 64));
      await side.core.sleep(500e6 as never);
      await side.meet();
      await side.completions(1);
    };
    const answers = async (side: Side): Promise<void> => {
      await side.meet();
      side.receive(0, 64);
      await side.completions(1, side.recvCq);
    };
    expect(await ours({ qp: { minRnrTimer: 14 } }, asks, answers)).toEqual(theirs('tool_rnr'));
  });

  it('SEND without any receive, rnr_retry 2', async () => {
    const asks = async (side: Side): Promise<void> => {
      expect(await side.send(side.message(0, 64))).toMatchObject({ status: 'RNR_RETRY_EXC_ERR' });
      await side.meet();
    };
    const qp = { minRnrTimer: 12, rnrRetry: 2 };
    expect(await ours({ qp }, asks)).toEqual(theirs('tool_rnr_fail'));
  });

  it('WRITE with a bad rkey, and a SEND behind it that is flushed', async () => {
    const asks = async (side: Side): Promise<void> => {
      const bad = { ...side.write(0, 64), rkey: 0x5fbf } as SendWr;
      side.qp.postSend(bad);
      expect(await side.statuses(1)).toEqual(['REM_ACCESS_ERR']);
      side.qp.postSend(side.message(0, 64));
      expect(await side.statuses(1)).toEqual(['WR_FLUSH_ERR']);
      await side.meet();
    };
    expect(await ours({}, asks)).toEqual(theirs('tool_bad_rkey'));
  });

  it('rule 118: the UDP source port comes from both QP numbers', () => {
    // Both sides of each capture have the same QP number, which the packets name.
    for (const name of ['tool_send', 'tool_write', 'tool_read', 'tool_rnr_fail']) {
      for (const { bytes, linkType } of readCaptured(name)) {
        const { udp, roce } = parseFrame(bytes, linkType);
        const { destQp } = roce!.bth;
        expect(udp!.sourcePort).toBe(udpSourcePort(destQp, destQp));
      }
    }
  });
});
