/** What must hold on any such hardware, whatever its constants: the model beside plain arithmetic, without noise. */
import { describe, expect, it } from 'vitest';
import { listProfiles, loadProfile } from '../../coordinator/profiles/profiles.js';
import type { Workload } from '../../workloads/authoring/workload.js';
import {
  atomicLat,
  msgRate,
  readBw,
  readLat,
  sendBw,
  sendLat,
  writeBw,
  writeLat,
} from '../workloads/micro/benchmarks.js';
import type { ClusterOptions } from '../embedded.js';
import { measured } from './measured.js';

const QUIET: ClusterOptions = { noise: false };
const PINGS = { iterations: 5, warmup: 3 };

const latencyOf = async (
  workload: Workload,
  size: number,
  options: ClusterOptions = {},
): Promise<number> =>
  (await measured(workload, { ...PINGS, size }, { ...QUIET, ...options })).latency.p50;

/** Cores that cost almost nothing: what the NIC and the link can do. */
const FAST_CORES = ['cpu.post=1ns', 'cpu.doorbell=1ns', 'cpu.poll=1ns'];

describe('a longer cable', () => {
  it.each([
    ['send-lat', sendLat, 1],
    ['write-lat', writeLat, 1],
    ['read-lat', readLat, 2],
    ['atomic-lat', atomicLat, 2],
  ])('%s: adds its delay once each way, on every cable of the path', async (_, each, ways) => {
    for (const [topology, cables] of [
      ['direct', 1],
      ['switch', 2],
    ] as const) {
      const near = await latencyOf(each, 8, { topology, overrides: ['link.propagation=100ns'] });
      const far = await latencyOf(each, 8, { topology, overrides: ['link.propagation=1100ns'] });
      expect(far - near).toBeCloseTo(1000 * cables * ways, 6);
    }
  });

  it('takes no bandwidth away, as long as enough is under way', async () => {
    const far = { ...QUIET, overrides: ['link.propagation=10us'] };
    const near = (await measured(writeBw, {}, QUIET)).bandwidth;
    expect((await measured(writeBw, {}, far)).bandwidth / near).toBeCloseTo(1, 3);
  });
});

describe('twice the size', () => {
  // A packet is stored whole three times: fetched, sent, written. Each further byte pays all three.
  it.each(listProfiles())('%s: one packet pays for bus, wire and bus', async (profile) => {
    const { link, pcie } = loadProfile(profile, []);
    const [half, whole] = [512, 1024];
    const bytes = whole - half;
    const tlps = bytes / pcie.maxPayload;
    const bus = (overhead: number): number => (bytes + tlps * overhead) * pcie.rate;
    const expected = bus(pcie.completionOverhead) + bytes * link.rate + bus(pcie.writeOverhead);
    for (const workload of [sendLat, readLat]) {
      const step =
        (await latencyOf(workload, whole, { profile })) -
        (await latencyOf(workload, half, { profile }));
      expect(step).toBeCloseTo(expected / 1e3, 2);
    }
  });

  it.each(listProfiles())(
    '%s: further packets pay for the wire alone, which binds',
    async (profile) => {
      const { link } = loadProfile(profile, []);
      const packets = 16;
      const headers = 14 + 20 + 8 + 12 + 4;
      const wire = packets * (link.mtu + headers + link.framing) * link.rate;
      const step =
        (await latencyOf(sendLat, 2 * packets * link.mtu, { profile })) -
        (await latencyOf(sendLat, packets * link.mtu, { profile }));
      expect(step).toBeCloseTo(wire / 1e3, 1);
    },
  );

  it.each([sendLat, writeLat, readLat])(
    '$name is never shorter for more bytes',
    async (workload) => {
      // Beyond what goes inline; across the MTU of 1024 and back.
      const sizes = [
        237, 256, 257, 512, 1023, 1024, 1025, 1028, 1500, 2047, 2048, 2049, 4096, 4097,
      ];
      let before = 0;
      for (const size of sizes) {
        const latency = await latencyOf(workload, size);
        expect(latency).toBeGreaterThan(before);
        before = latency;
      }
    },
  );
});

describe('bandwidth', () => {
  const wirePerMessage = (profile: string, size: number, extra: number): number => {
    const { link } = loadProfile(profile, []);
    const headers = 14 + 20 + 8 + 12 + 4;
    return size + Math.ceil(size / link.mtu) * (headers + link.framing) + extra;
  };

  it.each(
    [sendBw, writeBw, readBw].flatMap((workload) =>
      listProfiles().map((profile) => [workload.name, profile, workload] as const),
    ),
  )('%s, %s: a megabyte goes as fast as the link', async (name, profile, workload) => {
    const size = 2 ** 20;
    const { link } = loadProfile(profile, []);
    // RETH on a WRITE's first packet; AETH on a READ's first and last.
    const extra = { 'micro/write-bw': 16, 'micro/read-bw': 8 }[name] ?? 0;
    const gbps = (size * 8_000) / (wirePerMessage(profile, size, extra) * link.rate);
    const { bandwidth } = await measured(workload, { size }, { ...QUIET, profile });
    expect(bandwidth / gbps).toBeCloseTo(1, 3);
  });

  it.each([
    ['send-bw, fetching', sendBw, 20],
    ['write-bw, fetching', writeBw, 20],
    ['read-bw, writing what was read', readBw, 24],
  ])('is the bus’s where the bus is slower than the link: %s', async (_, workload, tlp) => {
    const slowBus = { ...QUIET, overrides: ['pcie.rate=50Gbps'] };
    const { bandwidth, stages } = await measured(workload, {}, slowBus);
    expect(bandwidth / ((50 * 256) / (256 + tlp))).toBeCloseTo(1, 2);
    const bus = (stages['payload_fetch'] ?? 0) + (stages['payload_write'] ?? 0);
    expect(bus).toBeGreaterThan(10 * (stages['serialize'] ?? Infinity));
  });

  it('of few messages under way is what Little’s law says', async () => {
    for (const [workload, size] of [
      [writeBw, 16384],
      [sendBw, 16384],
      [readBw, 16384],
    ] as const) {
      for (const outstanding of [1, 2]) {
        const { rate, latency } = await measured(workload, { size, outstanding }, QUIET);
        // The core posts the next one 40 + 40 ns after it saw the last.
        expect((rate * latency.p50) / 1e3 / outstanding).toBeCloseTo(1, 1);
      }
    }
  });

  it('grows with what is under way until the link is full, and no further', async () => {
    const options = { ...QUIET, profile: 'cx6-hdr' };
    const at: number[] = [];
    for (const outstanding of [1, 2, 4, 8, 16]) {
      at.push((await measured(readBw, { size: 16384, outstanding }, options)).bandwidth);
    }
    expect(at[1]! / at[0]!).toBeCloseTo(2, 1);
    expect(at[2]! / at[1]!).toBeCloseTo(2, 1);
    expect(at[3]).toBeGreaterThan(198);
    expect(at[4]).toBeCloseTo(at[3]!, 1);
  });

  it('of READs is bound by how many the device lets be under way, not by how many are posted', async () => {
    const cx6 = { ...QUIET, profile: 'cx6-hdr' };
    const options = { ...cx6, overrides: ['nic.max_rd_atomic=2'] };
    const two = await measured(readBw, { size: 16384, outstanding: 2 }, options);
    const many = await measured(readBw, { size: 16384, outstanding: 64 }, options);
    const free = await measured(readBw, { size: 16384, outstanding: 64 }, cx6);
    // The NIC begins with the next as soon as one is back: the host's part of the way is no longer in the circle.
    const { post, doorbell, payload_write, cqe_write, poll } = two.stages;
    const host = post! + doorbell! + payload_write! + cqe_write! + poll!;
    expect((many.rate * (two.latency.p50 - host)) / 2e3).toBeCloseTo(1, 1);
    expect(free.bandwidth).toBeGreaterThan(1.5 * many.bandwidth);
    expect(many.stages['nic_wait']).toBeGreaterThan(10 * (two.stages['nic_wait'] ?? 0));
  });
});

describe('message rate', () => {
  it.each(listProfiles())('%s: on one queue pair is one per nic.qp_gap', async (profile) => {
    const { nic } = loadProfile(profile, []);
    const { rate } = await measured(msgRate, { qps: 1, iterations: 2000 }, { ...QUIET, profile });
    expect(rate * nic.qpGap).toBeGreaterThan(0.99e6);
    expect(rate * nic.qpGap).toBeLessThan(1.005e6);
  });

  it('over several is the core’s: post, doorbell, and a poll now and then', async () => {
    const { rate } = await measured(msgRate, { qps: 8 }, { ...QUIET, profile: 'cx6-hdr' });
    expect(rate).toBeGreaterThan(1e3 / 82);
    expect(rate).toBeLessThan(1e3 / 80);
  });

  it('with faster cores is the NIC’s: one packet per nic.packet_gap', async () => {
    for (const profile of ['cx3-qdr', 'cx6-hdr']) {
      const { nic } = loadProfile(profile, []);
      const options = { ...QUIET, profile, overrides: FAST_CORES };
      const { rate } = await measured(msgRate, { qps: 64, iterations: 200 }, options);
      expect((rate * nic.packetGap) / 1e6).toBeCloseTo(1, 2);
    }
  });

  it('with faster cores on 25G Ethernet is the link’s', async () => {
    const options = { ...QUIET, profile: 'roce-25g', overrides: FAST_CORES };
    const { rate } = await measured(msgRate, { qps: 16, iterations: 300 }, options);
    // 8 B, RETH, RoCE's headers; preamble, gap and frame check sequence.
    const bytes = 8 + 16 + (14 + 20 + 8 + 12 + 4) + (8 + 12 + 4);
    expect(rate).toBeCloseTo(25e3 / 8 / bytes, 1);
  });
});

describe('where the time went', () => {
  it('a READ behind others waits for the NIC that answers them, and its own bytes are fetched quickly', async () => {
    const { stages } = await measured(readBw, { size: 65536 }, QUIET);
    expect(stages['nic_wait']).toBeGreaterThan(50_000);
    expect(stages['payload_fetch']).toBeLessThan(1_000);
  });

  it('a WRITE’s completion writes no payload to memory, but a CQE', async () => {
    const { stages } = await measured(writeBw, { size: 64, outstanding: 1 }, QUIET);
    expect(stages['payload_write']).toBeUndefined();
    expect(stages['cqe_write']).toBeGreaterThan(200);
  });

  it('an atomic takes its unit’s time, and nothing else is slower for it than for a READ', async () => {
    const slow = { ...QUIET, overrides: ['nic.atomic=500ns'] };
    const fast = { ...QUIET, overrides: ['nic.atomic=100ns'] };
    const one = await measured(atomicLat, PINGS, slow);
    const other = await measured(atomicLat, PINGS, fast);
    expect(one.latency.p50 - other.latency.p50).toBeCloseTo(400, 6);
    expect(one.stages['atomic']! - other.stages['atomic']!).toBeCloseTo(400, 6);
  });
});
