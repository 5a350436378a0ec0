import { describe, expect, it } from 'vitest';
import { loadProfile } from '../../../../coordinator/profiles/profiles.js';
import { leastFlight, leastReaction } from '../../../../node/model/fabric/lookahead-between.js';

const TOPOLOGIES = ['switch', 'direct'] as const;

describe('the least reaction', () => {
  it.each(TOPOLOGIES)(
    'is the receive pipeline and what is left of the way, over a %s',
    (topology) => {
      const rx = (ns: number): number =>
        leastReaction(
          loadProfile('roce-100g', [`nic.rx=${ns}ns`, 'cpu.syscall=1ms', 'management.latency=1s']),
          topology,
        );
      const rest = rx(0);
      expect(rest).toBe(topology === 'direct' ? 0 : 82 * 80 + 10_000);
      expect(rx(300)).toBe(rest + 300_000);
    },
  );

  it.each(TOPOLOGIES)(
    'is no longer than the system call of a program that hears something and has its NIC send, over a %s',
    (topology) => {
      const slow = loadProfile('roce-100g', ['nic.rx=10us', 'nic.posted_write=1ns']);
      expect(leastReaction(slow, topology)).toBe(100_000);
    },
  );
});

describe('the least flight', () => {
  it('is the out-of-band network’s where that is faster than the fabric', () => {
    const odd = loadProfile('roce-100g', ['management.latency=5ns']);
    expect(leastFlight(odd, 'switch')).toBe(5_000);
    expect(leastFlight(loadProfile('roce-100g', []), 'switch')).toBe(250_000 + 10_000 + 300_000);
  });
});
