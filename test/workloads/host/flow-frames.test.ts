/** A packet generator's frames and flows: genuine UDP, and the queue that the NIC will choose for them. */
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../sim/random.js';
import { FrameFlow } from '../../../node/model/nic/frame-flow.js';
import { IndirectionTable } from '../../../node/model/nic/indirection-table.js';
import { MICROSOFT_KEY, Toeplitz } from '../../../node/model/nic/toeplitz.js';
import { hostIpv4 } from '../../../units/address.js';
import { checksumsAreRight } from '../../../wire/checksums.js';
import { emitTemplate, emitVariable, PAYLOAD_AT } from '../../../workloads/host/flow-frames.js';
import { flowHash, toeplitz } from '../../../workloads/host/flow-hash.js';
import { FlowSet, tableOf } from '../../../workloads/host/flow-set.js';

const random = new RandomStream(1, 'flow-frames');

describe('a generated frame', () => {
  it('has right checksums whatever its ports, numbers and length, in a place that held another', () => {
    const view = new DataView(new ArrayBuffer(2048).slice(0));
    const bytes = new Uint8Array(view.buffer);
    for (let i = 0; i < 200; i++) {
      const payload = 13 + random.below(1400);
      bytes.fill(0xa5);
      emitTemplate(view, 3, 0, 1, payload);
      for (let again = 0; again < 2; again++) {
        const ports = { source: random.below(65_536), destination: random.below(65_536) };
        emitVariable(view, 3, payload, ports, random.word(), random.word(), random.word(), again);
        expect(checksumsAreRight(bytes, view, 3, PAYLOAD_AT + payload)).toBe(true);
        const flow = new FrameFlow();
        flow.parse(view, 3, PAYLOAD_AT + payload);
        expect(flow.sourcePort).toBe(ports.source);
        expect(flow.destinationPort).toBe(ports.destination);
      }
      expect(bytes[3 + PAYLOAD_AT + payload]).toBe(0xa5);
    }
  });
});

describe('the hash as its definition reads', () => {
  it('is the NIC’s for any input and key', () => {
    for (let i = 0; i < 100; i++) {
      const key = Array.from({ length: 40 }, () => random.below(256));
      const input = Uint8Array.from({ length: 12 }, () => random.below(256));
      const nic = new Toeplitz(key).hash(new DataView(input.buffer), 0, 8, 8);
      expect(toeplitz(input, key)).toBe(nic);
    }
  });
});

describe('a set of flows', () => {
  const nic = new Toeplitz(MICROSOFT_KEY);
  const number = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(0);
  const queueOf = ({ source, destination }: FlowSet['ports'][number], queues: number): number =>
    new IndirectionTable(queues).queueOf(
      nic.hashIpv4(number(hostIpv4(0)), number(hostIpv4(1)), source, destination),
    );

  it.each([1, 2, 3, 8])('aligned to %i queues has each program on the queue’s core', (queues) => {
    const set = new FlowSet(500, { from: 0, to: 1, programs: 8, queues, placement: 'aligned' });
    expect(set.count).toBe(500);
    for (const [flow, ports] of set.ports.entries()) {
      expect(queueOf(ports, queues)).toBe(set.programs[flow]! % queues);
      expect(set.programs[flow]).toBe(flow % 8);
    }
  });

  it('scattered gives programs their turns, and finds the queue’s core by chance only', () => {
    const set = new FlowSet(4000, {
      from: 0,
      to: 1,
      programs: 4,
      queues: 4,
      placement: 'scattered',
    });
    const found = set.ports.filter((ports, flow) => queueOf(ports, 4) === set.programs[flow]);
    expect(found.length / set.count).toBeGreaterThan(0.2);
    expect(found.length / set.count).toBeLessThan(0.3);
    for (let flow = 0; flow < 4000; flow++) expect(set.programs[flow]).toBe(flow % 4);
  });

  it('of 10,000 flows has ports enough, all different', () => {
    const set = new FlowSet(10_000, {
      from: 0,
      to: 1,
      programs: 16,
      queues: 16,
      placement: 'aligned',
    });
    expect(new Set(set.ports.map(({ source }) => source)).size).toBe(10_000);
    expect(set.ports.at(-1)!.source).toBeLessThan(65_536);
    const fit = set.ports.filter((ports, flow) => queueOf(ports, 16) === set.programs[flow]);
    expect(fit.length).toBe(10_000);
  });

  it('knows the entry that its hash names', () => {
    const set = new FlowSet(100, { from: 0, to: 1, programs: 4, queues: 4, placement: 'aligned' });
    for (const [flow, { source, destination }] of set.ports.entries()) {
      expect(set.entries[flow]).toBe(flowHash(hostIpv4(0), hostIpv4(1), source, destination) % 128);
    }
  });
});

describe('a table', () => {
  it.each([
    [4, undefined],
    [4, [4, 1, 1, 1]],
    [3, [0, 5, 2]],
    [8, [8, 1, 1, 1, 1, 1, 1, 1]],
  ])('of %i queues and weights %j is the one that ethtool makes', (queues, weights) => {
    const table = new IndirectionTable(queues);
    if (weights === undefined) table.equal(queues);
    else table.weight(weights);
    expect(tableOf(queues, weights)).toEqual([...table.entries]);
  });
});
