/** PINWIRE_DEBUG=checks: which check refused a request, by name. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { refusalPrinter } from '../../../node/process/refusal-printer.js';
import {
  atomic,
  listens,
  peer,
  PSN,
  region,
  request,
  reth,
  type Setting,
} from '../model/rdma/listening-host.js';

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await peer.close();
});

/** What a host that `asked` for it prints while it is sent packets by `send`. */
async function printed(
  asked: string,
  setting: Setting,
  send: () => Promise<void>,
): Promise<string[]> {
  vi.stubEnv('PINWIRE_DEBUG', asked);
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line).trimEnd());
    return true;
  });
  await listens(setting);
  await send();
  return lines.map((line) => line.replace(`psn ${PSN}`, 'psn P'));
}

describe('a refused request', () => {
  it.each<[string, Setting, () => Promise<void>]>([
    [
      'checkPsn -> NAK PSN sequence: packets before it are missing',
      {},
      () => peer.send({ opcode: 'RC_SEND_ONLY', psn: PSN, payload: 4 }),
    ],
    [
      'checkOpSequence -> NAK invalid request: opcode out of sequence',
      {},
      () => request('RC_SEND_LAST', 0, 4),
    ],
    [
      'checkOperation -> NAK invalid request: not on this queue pair',
      {},
      () => request('RC_SEND_ONLY_INV', 0, 4, { ieth: { rkey: 1 } }),
    ],
    [
      'checkResource -> NAK invalid request: more READs and atomics at once than max_dest_rd_atomic',
      { maxDestRdAtomic: 0 },
      () => request('RC_READ_REQ', 0, 0, reth(0, 4)),
    ],
    [
      'checkLength -> NAK invalid request: length',
      {},
      () => request('RC_WRITE_ONLY', 0, 4, reth(0, 5)),
    ],
    [
      'checkLength -> NAK invalid request: atomic address not 8-byte aligned',
      {},
      () => request('RC_FETCH_ADD', 0, 0, atomic(4, 1)),
    ],
    ['checkResource -> RNR NAK: no receive posted', {}, () => request('RC_SEND_ONLY', 0, 4)],
    [
      'checkResource -> RNR NAK: no receive posted',
      {},
      () =>
        request('RC_WRITE_ONLY_IMM', 0, 4, { ...reth(0, 4, 0x999), immediate: { immediate: 1 } }),
    ],
    [
      'checkResource -> NAK invalid request: receive too short',
      { receives: [3] },
      () => request('RC_SEND_ONLY', 0, 4),
    ],
    [
      'checkKey -> NAK remote access: key, address or access of the region',
      {},
      () => request('RC_WRITE_ONLY', 0, 4, reth(0, 4, region.rkey ^ 1)),
    ],
  ])('is printed with the check that refused it: %s', async (says, setting, send) => {
    const late = says.startsWith('checkPsn');
    const lines = await printed('checks', setting, async () => {
      // The packet before it is lost.
      if (late) await peer.send({ opcode: 'RC_SEND_ONLY', psn: PSN + 1, payload: 4 });
      else await send();
    });
    const psn = late ? PSN + 1 : 'P';
    expect(lines).toEqual([`host0: qp 17 psn ${psn} ${says}`]);
  });

  it.each(['', 'packets', 'check'])(
    'is not printed unless checks are asked for: "%s"',
    async (asked) => {
      const lines = await printed(asked, {}, () => request('RC_SEND_ONLY', 0, 4));
      expect(lines).toEqual([]);
      expect(peer.counter('rnr_naks_sent')).toBe(1);
      expect(refusalPrinter(0)).toBe(null);
    },
  );

  it('may be asked for together with what else there may be', async () => {
    const lines = await printed('packets,checks', {}, () => request('RC_SEND_ONLY', 0, 4));
    expect(lines).toEqual(['host0: qp 17 psn P checkResource -> RNR NAK: no receive posted']);
  });
});
