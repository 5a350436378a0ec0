import { describe, expect, it } from 'vitest';
import { listProfiles, loadProfile } from '../../../coordinator/profiles/profiles.js';
import type { Cost, Profile } from '../../../node/spec/profile.js';
import { RandomStream } from '../../../sim/random.js';

/** The latency of one message over an idle path, by plain addition; no code of the model takes part. */
type Path = 'cable' | 'switch';

const ROCE_FRAME = 14 + 20 + 8 + 12 + 4; // Ethernet, IPv4, UDP, BTH, ICRC
const RETH = 16;
const AETH = 4;
const ATOMIC_ETH = 28;
const ATOMIC_ACK_ETH = 8;
/** Control segment and inline header of an mlx WQE; with what fits beside them, its first 64 B. */
const WQE_BEFORE_INLINE = 16 + 4;

const wireTime = (p: Profile, headers: number, payload: number): number =>
  (ROCE_FRAME + p.link.framing + headers + Math.ceil(payload / 4) * 4) * p.link.rate;

/** Over PCIe in TLPs of the maximum payload, each with its overhead. */
const busTime = (p: Profile, bytes: number, overhead: number): number =>
  (bytes + Math.ceil(bytes / p.pcie.maxPayload) * overhead) * p.pcie.rate;

const pathTime = (p: Profile, path: Path): number =>
  path === 'cable'
    ? p.link.propagation + p.link.fec
    : 2 * (p.link.propagation + p.link.fec) + p.switch.latency.ps;

const submission = (p: Profile): number =>
  p.cpu.post.ps + p.cpu.doorbell.ps + p.pcie.postedWrite.ps;
const completion = (p: Profile): number => p.nic.cqe.ps + p.cpu.poll.ps;
const crossing = (p: Profile, path: Path, headers: number, payload: number): number =>
  p.nic.tx.ps + wireTime(p, headers, payload) + pathTime(p, path) + p.nic.rx.ps;
const written = (p: Profile, bytes: number): number =>
  p.pcie.memoryWrite.ps + busTime(p, bytes, p.pcie.writeOverhead);

function send(p: Profile, path: Path, bytes: number): number {
  const fetched =
    bytes <= p.nic.maxInline
      ? (Math.ceil((WQE_BEFORE_INLINE + bytes) / 64) - 1) * p.nic.inlineBlock
      : p.pcie.dmaRead.ps + busTime(p, bytes, p.pcie.completionOverhead);
  return submission(p) + fetched + crossing(p, path, 0, bytes) + written(p, bytes) + completion(p);
}

const read = (p: Profile, path: Path, bytes: number): number =>
  submission(p) +
  crossing(p, path, RETH, 0) +
  p.pcie.dmaRead.ps +
  busTime(p, bytes, p.pcie.completionOverhead) +
  crossing(p, path, AETH, bytes) +
  written(p, bytes) +
  completion(p);

const fetchAdd = (p: Profile, path: Path): number =>
  submission(p) +
  crossing(p, path, ATOMIC_ETH, 0) +
  p.pcie.dmaRead.ps +
  p.nic.atomic.ps +
  crossing(p, path, AETH + ATOMIC_ACK_ETH, 0) +
  written(p, 8) +
  completion(p);

/** Published perftest latencies, in us: half a round trip for sends, the whole operation for the others. */
const ANCHORS: readonly (readonly [string, Path, 'send' | 'read' | 'fetch-add', number, number])[] =
  [
    ['cx4-edr', 'cable', 'send', 32, 0.83],
    ['cx4-edr', 'cable', 'send', 1024, 1.61],
    ['cx3-qdr', 'cable', 'send', 64, 1.16],
    ['cx3-qdr', 'cable', 'send', 128, 1.27],
    ['cx3-qdr', 'cable', 'send', 256, 1.86],
    ['cx3-qdr', 'cable', 'read', 2, 1.99],
    ['cx3-qdr', 'cable', 'fetch-add', 8, 2.34],
    ['cx6-hdr', 'switch', 'send', 8, 1.58],
    ['cx6-hdr', 'switch', 'send', 64, 1.65],
    ['cx6-hdr', 'switch', 'send', 128, 1.68],
    ['cx6-hdr', 'switch', 'send', 256, 2.12],
    ['cx6-hdr', 'switch', 'send', 1024, 2.21],
  ];

/**
 * What PCIe carries after TLP headers and link-layer packets, in Gb/s; the profiles have the raw rate and charge
 * headers.
 */
const TLP_LAYER: Readonly<Record<string, number>> = {
  'cx3-qdr': 57.9,
  'cx4-edr': 113.7,
  'cx6-hdr': 227.4,
};

/** A UDP datagram as a frame of its own: Ethernet, IPv4, UDP; no frame is shorter than 60 B without its FCS. */
const datagram = (bytes: number): number => Math.max(60, 14 + 20 + 8 + bytes);

/** Half a round trip of a program that owns a queue of raw frames and pushes them with the doorbell. */
function rawFrame(p: Profile, frame: number): number {
  const blocks = Math.ceil(frame / 64) - 1;
  return (
    submission(p) +
    blocks * p.bypass.pushBlock +
    p.nic.tx.ps +
    (frame + p.link.framing) * p.link.rate +
    pathTime(p, 'cable') +
    p.nic.rx.ps +
    written(p, frame) +
    completion(p) +
    p.bypass.rawStack.ps
  );
}

const modelled = (
  [name, path, operation, bytes]: (typeof ANCHORS)[number],
  overrides: readonly string[] = [],
): number => {
  const p = loadProfile(name, overrides);
  switch (operation) {
    case 'send':
      return send(p, path, bytes);
    case 'read':
      return read(p, path, bytes);
    case 'fetch-add':
      return fetchAdd(p, path);
  }
};

describe('the stages add up to what was published', () => {
  const rows = ANCHORS.map((anchor) => {
    const [name, , operation, bytes, published] = anchor;
    const us = modelled(anchor) / 1e6;
    const label = `${name} ${operation} ${bytes} B`;
    return { label, anchor, us, published, error: (us / published - 1) * 100 };
  });

  it.each(rows)('$label is within 10 %', ({ error }) => {
    expect(Math.abs(error)).toBeLessThan(10);
  });

  it.each(rows)('$label changes by less than 1 % with PCIe at its TLP-layer rate', (row) => {
    const us =
      modelled(row.anchor, [
        `pcie.rate=${TLP_LAYER[row.anchor[0]]!}Gbps`,
        'pcie.write_overhead=0',
        'pcie.completion_overhead=0',
      ]) / 1e6;
    expect(Math.abs(us / row.us - 1)).toBeLessThan(0.01);
  });

  it('as a table: model and published in us, error in percent', () => {
    const lines = rows.map(
      ({ label, us, published, error }) =>
        `${label.padEnd(20)} ${us.toFixed(3)} ${published.toFixed(2)} ${error.toFixed(1).padStart(5)}`,
    );
    expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      cx4-edr send 32 B    0.848 0.83   2.2
      cx4-edr send 1024 B  1.612 1.61   0.1
      cx3-qdr send 64 B    1.144 1.16  -1.4
      cx3-qdr send 128 B   1.228 1.27  -3.3
      cx3-qdr send 256 B   1.738 1.86  -6.6
      cx3-qdr read 2 B     2.052 1.99   3.1
      cx3-qdr fetch-add 8 B 2.400 2.34   2.6
      cx6-hdr send 8 B     1.592 1.58   0.8
      cx6-hdr send 64 B    1.636 1.65  -0.8
      cx6-hdr send 128 B   1.681 1.68   0.1
      cx6-hdr send 256 B   2.166 2.12   2.2
      cx6-hdr send 1024 B  2.250 2.21   1.8
      "
    `);
  });
});

describe('kernel bypass on sfc-25g, in ns', () => {
  const p = loadProfile('sfc-25g', []);
  const raw = rawFrame(p, datagram(4)) / 1e3;

  it('meets the ef_vi row that tx and rx were solved from', () => {
    expect(raw).toBeCloseTo(590, -1);
    expect(Math.abs(raw - 590)).toBeLessThan(1);
  });

  it.each([
    ['TCPDirect', 'directStack', 640],
    ['Onload', 'socketStack', 794],
  ] as const)('and %s follows from what its stack costs', (_library, stack, published) => {
    // A TCP segment of 4 B is a least frame too.
    const half = rawFrame(p, Math.max(60, 14 + 20 + 20 + 4)) + p.bypass[stack].ps;
    expect(Math.abs(half / 1e3 / published - 1)).toBeLessThan(0.005);
  });

  it('pays for each further 64 B with the CPU, and for each bit on the wire once', () => {
    const longer = rawFrame(p, 1024) - rawFrame(p, 64);
    const bus = busTime(p, 1024, p.pcie.writeOverhead) - busTime(p, 64, p.pcie.writeOverhead);
    expect(longer).toBeCloseTo(15 * p.bypass.pushBlock + 960 * p.link.rate + bus, 3);
  });
});

describe('rates', () => {
  /** Payload of a long WRITE in Gb/s: full packets, headers and framing around each. */
  const goodput = (p: Profile): number => (p.link.mtu * 8_000) / wireTime(p, 0, p.link.mtu);

  it.each([
    ['roce-100g', 92.48],
    ['roce-25g', 24.5],
  ])(
    '%s carries the published WRITE bandwidth of %d Gb/s to two in a thousand',
    (name, published) => {
      const gbps = goodput(loadProfile(name, []));
      expect(Math.abs(gbps / published - 1)).toBeLessThan(0.002);
    },
  );

  it.each([
    ['cx4-edr', 26],
    ['roce-100g', 82],
  ])('%s has a wire efficiency of MTU / (MTU + %d)', (name, overhead) => {
    const p = loadProfile(name, []);
    const gbps = 8_000 / p.link.rate;
    expect(goodput(p)).toBeCloseTo((gbps * p.link.mtu) / (p.link.mtu + overhead), 9);
  });

  it.each(listProfiles())('%s fetches from memory faster than its link sends', (name) => {
    const p = loadProfile(name, []);
    expect(busTime(p, p.link.mtu, p.pcie.completionOverhead)).toBeLessThan(
      wireTime(p, 0, p.link.mtu),
    );
  });

  it.each(listProfiles())('%s reads far enough ahead to cover one DMA read', (name) => {
    const p = loadProfile(name, []);
    expect(p.nic.readAhead * p.pcie.rate).toBeGreaterThanOrEqual(p.pcie.dmaRead.ps);
  });
});

describe('jitter', () => {
  const SAMPLES = 100_000;
  /** The path of the bed whose shortest row scales the jitter. */
  const bedOf = (name: string): Path => (/^(cx4|sfc)/.test(name) ? 'cable' : 'switch');

  /** Half round trips of an 8 B send, sorted, in ps: what noise adds in both directions, halved. */
  function noisy(p: Profile): number[] {
    const random = new RandomStream(1, `jitter of ${p.name}`);
    const drawn = ({ jitter }: Cost): number => {
      if (jitter === null) return 0;
      const tail = random.unit() < jitter.tailProbability ? random.exponential(jitter.tailMean) : 0;
      return random.exponential(jitter.mean) + tail;
    };
    const stages = [p.cpu.post, p.cpu.doorbell, p.pcie.postedWrite, p.nic.tx, p.switch.latency];
    stages.push(p.nic.rx, p.pcie.memoryWrite, p.nic.cqe, p.cpu.poll);
    const direction = (): number =>
      stages.reduce((sum, stage) => sum + drawn(stage), p.cpu.pollPeriod * random.unit());
    const exact = send(p, bedOf(p.name), 8);
    const samples = Array.from({ length: SAMPLES }, () => exact + (direction() + direction()) / 2);
    return samples.sort((a, b) => a - b);
  }

  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.ceil(share * sorted.length) - 1]!;

  it.each(listProfiles())(
    '%s: the median moves by little more than two in a hundred, and p99 is near 1.02 p50',
    (name) => {
      const p = loadProfile(name, []);
      const exact = send(p, bedOf(name), 8);
      const sorted = noisy(p);
      expect(sorted[0]).toBeGreaterThanOrEqual(exact);
      expect(at(sorted, 0.5) / exact).toBeLessThan(1.022);
      expect(at(sorted, 0.5)).toBeGreaterThan(exact);
      const ratio = at(sorted, 0.99) / at(sorted, 0.5);
      expect(ratio).toBeGreaterThan(1.015);
      expect(ratio).toBeLessThan(1.03);
    },
  );

  it('cx6-hdr: p99.9 lies between the two published distances from p50', () => {
    const sorted = noisy(loadProfile('cx6-hdr', []));
    const distance = (at(sorted, 0.999) - at(sorted, 0.5)) / 1e6;
    expect(distance).toBeGreaterThan(3.22 - 1.58);
    expect(distance).toBeLessThan(1.9);
  });
});
