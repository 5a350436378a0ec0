import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NS3 } from '../../bench/peers/ns3.js';
import { skipReason, unitsDone } from '../../bench/peers/peer.js';
import { SMPI } from '../../bench/peers/smpi.js';
import { WORKS } from '../../bench/peers/work.js';

describe('a peer', () => {
  it('is compared if everything that it needs exists', () => {
    expect(skipReason(NS3, () => true)).toBeUndefined();
  });

  it('is skipped with what is missing and what installs it', () => {
    expect(skipReason(NS3, ({ what }) => what === 'g++')).toBe(
      "ns-3's headers not found; on Debian: apt-get install -y g++ libns3-dev",
    );
    expect(skipReason(SMPI, () => false)).toMatch(/^gcc, smpicc, smpirun not found; .*libsimgrid/);
  });
});

describe('a program of a peer', () => {
  const { program } = WORKS.find(({ name }) => name === 'ping-pong-64B')!;
  const said = (done: number, simulated: number): string =>
    `${JSON.stringify({ done, simulated_ns: simulated })}\n`;

  it('has done its units if it says so, in a simulated time that they can take', () => {
    expect(unitsDone(said(2000, 2000 * 2022), program, 1000)).toBe(2000);
  });

  it('is not counted if it did fewer, nothing, or says something else', () => {
    for (const output of [said(1999, 1999 * 2022), said(0, 0), '', 'Segmentation fault\n', '3\n']) {
      expect(() => unitsDone(output, program, 1000)).toThrow(/2000 units were asked for/);
    }
  });

  it('is not counted if simulated time did not pass as it must have', () => {
    expect(() => unitsDone(said(2000, 0), program, 1000)).toThrow(/simulated ns each/);
    expect(() => unitsDone(said(2000, NaN), program, 1000)).toThrow(/simulated ns each/);
    expect(() => unitsDone(said(2000, 2000 * 1e6), program, 1000)).toThrow(/simulated ns each/);
  });

  it('lies below bench/peers/', () => {
    const root = new URL('../../bench/peers/', import.meta.url);
    for (const work of WORKS) {
      expect(existsSync(new URL(work.program.source, root)), work.program.source).toBe(true);
    }
  });
});

describe('works', () => {
  it('are distinguished by name and peer', () => {
    const keys = WORKS.map(({ name, program }) => `${name} ${program.peer.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('have a start-up of each peer', () => {
    const startUps = WORKS.filter(({ lengths }) => lengths === undefined);
    const peers = new Set(WORKS.map(({ program }) => program.peer));
    expect(new Set(startUps.map(({ program }) => program.peer))).toEqual(peers);
  });
});
