/** Damage on the cable ends at the MAC of the NIC that the frame comes to; damage behind an FCS goes further. */
import { describe, expect, it } from 'vitest';
import { runEmbedded, type EmbeddedRun } from '../../../../coordinator/embedded/run-embedded.js';
import { icrcIsRight } from '../../../../wire/icrc.js';
import { readPcapng } from '../../../../wire/pcapng.js';

const writes = (fault: string): Promise<EmbeddedRun> =>
  runEmbedded({
    workload: 'micro/write-bw',
    params: { size: 4096, iterations: 200 },
    memory: '8MiB',
    faults: [fault],
    capture: true,
    seed: 3,
  });

const sum = (run: EmbeddedRun, counter: string): number =>
  run.counters['host0']![counter]! + run.counters['host1']![counter]!;

/** Captured frames whose ICRC is wrong, on both hosts. */
function wrongFrames({ captures }: EmbeddedRun): number {
  let wrong = 0;
  for (const capture of Object.values(captures)) {
    for (const { bytes } of readPcapng(capture)) {
      if (!icrcIsRight(bytes, 0, bytes.length)) wrong++;
    }
  }
  return wrong;
}

describe('a frame that is damaged', () => {
  it('on the cable is dropped by the NIC it comes to, counted, and in no capture', async () => {
    const run = await writes('corrupt=0.02');
    expect(run.verified).toBe(true);
    expect(sum(run, 'fault_corrupted')).toBeGreaterThan(5);
    expect(sum(run, 'rx_crc_errors_phy')).toBe(sum(run, 'fault_corrupted'));
    expect(sum(run, 'icrc_errors')).toBe(0);
    expect(wrongFrames(run)).toBe(0);
    expect(sum(run, 'tx_packets')).toBe(sum(run, 'rx_packets') + sum(run, 'rx_crc_errors_phy'));
  });

  it('before its FCS was made is found by its ICRC, and captured where it came', async () => {
    const run = await writes('icrc=0.02');
    expect(run.verified).toBe(true);
    expect(sum(run, 'fault_corrupted')).toBeGreaterThan(5);
    expect(sum(run, 'rx_crc_errors_phy')).toBe(0);
    expect(wrongFrames(run)).toBe(sum(run, 'fault_corrupted'));
  });

  it('before its FCS was made changes nothing that other faults hit', async () => {
    const [alone, both] = [await writes('loss=0.01'), await writes('loss=0.01,icrc=0')];
    expect(both.traceHash).toBe(alone.traceHash);
  });
});

it('nobody behind the MAC sees damaged frames of other protocols either', async () => {
  const run = await runEmbedded({
    workload: 'host/rss',
    params: { steering: 'rss' },
    faults: ['corrupt=0.02'],
  });
  expect(run.verified).toBe(true);
  expect(sum(run, 'rx_crc_errors_phy')).toBeGreaterThan(5);
  expect(run.results[0]!.counters!['rejected_by_protocols'] ?? 0).toBe(0);
});
