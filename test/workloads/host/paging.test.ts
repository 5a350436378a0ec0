/** host/paging: what goes wrong where it must, nothing where it must not; and a judge that sees what does not fit. */
import { describe, expect, it } from 'vitest';
import paging from '../../../workloads/host/paging.js';
import {
  beforeByte,
  bytesOf,
  messageByte,
  neighbourByte,
  type Damage,
} from '../../../workloads/host/paging-plan.js';
import { judge, type Evidence } from '../../../workloads/host/paging-transfer.js';
import { runWorkload, type Measurement } from '../../embedded.js';

const valueOf = ({ summary }: Measurement, name: string): number => {
  const metric = summary.metrics.find((each) => each.name === name);
  return metric !== undefined && 'value' in metric ? metric.value : NaN;
};

describe('a page replaced under DMA', () => {
  it('is sent or ruined only where it is not pinned and there is no IOMMU', async () => {
    const measured = await runWorkload(paging, {}, { seed: 5 });
    expect(measured).toHaveLength(12);
    for (const each of measured) {
      const { iommu, memory, direction } = each.params;
      expect(each.summary.note ?? '').toBe('');
      expect(each.summary.verified).toBe(true);
      const loose = memory === 'unpinned';
      const [wrong, ruined] = [valueOf(each, 'wrong_bytes'), valueOf(each, 'ruined_bytes')];
      expect(wrong > 0).toBe(loose && iommu === 'off');
      expect(ruined).toBe(direction === 'write' ? wrong : 0);
      expect(valueOf(each, 'iommu_faults')).toBe(loose && iommu === 'on' ? 1 : 0);
    }
    const summary = paging.compare!(measured, {} as never)!;
    expect(summary.verified).toBe(true);
    expect(summary.metrics.map(({ name }) => name)).toContain('ruined_bytes');
  }, 60_000);

  it('loses what is left of the transfer at that moment, TLP by TLP, when nothing is noisy', async () => {
    for (const direction of ['read', 'write']) {
      const moved: number[] = [];
      const params = { iommu: 'off', memory: 'unpinned', direction, at: '0.1,0.3,0.5,0.7,0.9' };
      for (const run of await runWorkload(paging, params, { noise: false })) {
        expect(run.summary.verified).toBe(true);
        expect(valueOf(run, 'wrong_bytes')).toBe(1024 - valueOf(run, 'moved_bytes'));
        moved.push(valueOf(run, 'moved_bytes'));
        expect(Math.abs(valueOf(run, 'moved_bytes') - valueOf(run, 'expected_bytes'))).toBeLessThan(
          257,
        );
      }
      // Four TLPs of 256 B after the first, of which 14 B are the header.
      expect(moved).toEqual([...moved].sort((a, b) => a - b));
      for (const bytes of moved) expect((bytes + 14) % 256).toBe(0);
    }
  }, 60_000);

  it('refuses a moment that is none', () => {
    for (const at of ['2', '-0.1', 'half', '0.5;0.6']) {
      const shape = { clock: 'virtual' } as never;
      expect(paging.configurations!({ at, iommu: 'on' }, shape)).toContain('at=');
    }
  });

  it('makes a whole message wrong when it is replaced before, and none when it is replaced after', async () => {
    const params = { iommu: 'off', memory: 'unpinned', direction: 'read' };
    const [before] = await runWorkload(paging, { ...params, at: 0 }, { noise: false });
    const [after] = await runWorkload(paging, { ...params, at: 1 }, { noise: false });
    expect(valueOf(before!, 'wrong_bytes')).toBeGreaterThanOrEqual(1024 - 256);
    expect(valueOf(after!, 'wrong_bytes')).toBe(0);
    expect([before!.summary.verified, after!.summary.verified]).toEqual([true, true]);
  }, 60_000);
});

describe('the judge of a transfer', () => {
  const SIZE = 200;
  const RIGHT = 120;
  const ROUND = 3;
  const damage: Damage = { page: 7, address: 0x10000, wrong: [] };
  const hazard = {
    kind: 'read',
    process: 0,
    victim: 1,
    address: 0x10000 + 64 + RIGHT,
    offset: 14 + RIGHT,
    length: SIZE - RIGHT,
    qpNum: 17,
    wrId: ROUND,
  } as const;
  const lost = Array.from({ length: SIZE - RIGHT }, (_, i) => ({
    address: 0x10000 + 64 + RIGHT + i,
    is: messageByte(ROUND, RIGHT + i),
  }));
  const read: Evidence = {
    direction: 'read',
    round: ROUND,
    size: SIZE,
    qpNum: 17,
    status: 'SUCCESS',
    bytes: bytesOf(SIZE, (place) =>
      place < RIGHT ? messageByte(ROUND, place) : neighbourByte(7, 64 + place),
    ),
    damage,
    hazards: [hazard],
    faultAt: undefined,
  };
  const write: Evidence = {
    ...read,
    direction: 'write',
    bytes: bytesOf(SIZE, (place) => (place < RIGHT ? messageByte : beforeByte)(ROUND, place)),
    damage: { ...damage, wrong: lost },
    hazards: [{ ...hazard, kind: 'write' }],
  };
  const whole = bytesOf(SIZE, (place) => messageByte(ROUND, place));

  it('finds what fits: sent, written, stopped, or whole', () => {
    const fine = { faulted: false, problems: [] };
    expect(judge(read)).toEqual({ wrong: 80, ruined: 0, right: RIGHT, ...fine });
    expect(judge(write)).toEqual({ wrong: 80, ruined: 80, right: RIGHT, ...fine });
    const none = { damage, hazards: [], bytes: whole };
    expect(judge({ ...read, ...none })).toEqual({ wrong: 0, ruined: 0, right: SIZE, ...fine });
    const stopped = { ...none, status: 'LOC_PROT_ERR', faultAt: 50 } as const;
    expect(judge({ ...read, ...stopped, bytes: null })).toMatchObject({
      wrong: 0,
      right: 50,
      faulted: true,
      problems: [],
    });
    expect(judge({ ...write, ...stopped, bytes: write.bytes })).toMatchObject({ problems: [] });
  });

  it('sees every single thing that does not', () => {
    const patched = (place: number, is: number): Uint8Array => {
      const bytes = Uint8Array.from(read.bytes!);
      bytes[place] = is;
      return bytes;
    };
    const wrongs: Evidence[] = [
      { ...read, hazards: [] },
      { ...read, hazards: [{ ...hazard, length: hazard.length - 1 }] },
      { ...read, hazards: [{ ...hazard, victim: 2 }] },
      { ...read, hazards: [{ ...hazard, qpNum: 18 }] },
      { ...read, hazards: [{ ...hazard, wrId: 4 }] },
      { ...read, hazards: [{ ...hazard, address: hazard.address + 1 }] },
      { ...read, bytes: patched(150, 0) },
      { ...read, bytes: patched(150, messageByte(ROUND, 150)) },
      { ...read, bytes: patched(20, neighbourByte(7, 84)) },
      { ...read, bytes: null },
      { ...read, damage: { ...damage, wrong: [{ address: 0x10000, is: 0 }] } },
      { ...write, damage },
      { ...write, damage: { ...damage, wrong: lost.slice(1) } },
      { ...write, damage: { ...damage, wrong: lost.map((each) => ({ ...each, is: 0 })) } },
      { ...write, damage: { ...damage, wrong: lost, address: 0x20000 } },
      { ...read, status: 'LOC_PROT_ERR', hazards: [], bytes: null },
      { ...read, status: 'LOC_PROT_ERR', hazards: [], faultAt: 3 },
      { ...write, status: 'LOC_PROT_ERR', faultAt: 3, damage },
    ];
    for (const evidence of wrongs) expect(judge(evidence).problems).not.toEqual([]);
  });
});
