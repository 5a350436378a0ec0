/**
 * What Wireshark makes of the conversations of two stacks, where it is installed: every checksum right, nothing
 * malformed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instant, PS_PER_MS } from '../../../../units/time.js';
import { DIRECTION, pcapngHeader, pcapngPacket } from '../../../../wire/pcapng-writer.js';
import { ADDRESS, ok, pattern, readAll, WirePair } from './wire-pair.js';

const isInstalled = spawnSync('tshark', ['--version']).status === 0;

/** Ports that no dissector claims. */
const PORT = 40_001;
const GROUP_PORT = 40_003;

/** ARP, UDP, a group joined, TCP with odd lengths, loss, closed windows, a reset, a refused call. */
function converse(vlan: number | undefined): WirePair {
  const pair = new WirePair(3, vlan === undefined ? {} : { vlan });
  let lost = 0;
  pair.filter = ({ bytes }) => bytes.length < 1000 || ++lost % 23 !== 0;
  const [near, far] = pair.stacks;
  const sender = ok(near.openUdp(0));
  const receiver = ok(far.openUdp(PORT));
  ok(far.openUdp(GROUP_PORT)).join(0xe8000001);
  for (const length of [0, 1, 2, 33, 1472]) {
    sender.sendTo(ADDRESS[1], PORT, pattern(1472), 0, length, pair.now);
  }
  sender.sendTo(0xe8000001, GROUP_PORT, pattern(21), 0, 21, pair.now);
  pair.run(PS_PER_MS);
  expect(receiver.pending).toBe(5);
  const { client, server } = pair.connection(PORT);
  const bytes = pattern(200_001);
  let queued = 0;
  const feed = (): void => {
    queued += client.send(bytes, queued, bytes.length - queued, pair.now);
    if (queued === bytes.length) client.shutdown(pair.now);
  };
  pair.onWritable = feed;
  feed();
  for (let i = 0; i < 40; i++) {
    pair.run(pair.now + 100 * PS_PER_MS);
    server.send(bytes, i, 3, pair.now);
    readAll(server, pair.now);
  }
  server.close(pair.now);
  readAll(client, pair.now);
  pair.run();
  expect(client.state).toBe('TIME_WAIT');
  const other = pair.connect(PORT);
  pair.run(pair.now + PS_PER_MS);
  other.abort(pair.now);
  pair.connect(PORT + 1);
  pair.run(pair.now + 100 * PS_PER_MS);
  return pair;
}

const FIELDS = [
  'frame.number',
  '_ws.malformed',
  '_ws.expert.severity',
  'ip.checksum.status',
  'tcp.checksum.status',
  'udp.checksum.status',
  'igmp.checksum.status',
];

/** Of tshark's severities, that of an error. */
const ERROR = String(0x800000);

describe('tshark', () => {
  it.for([
    ['untagged', undefined],
    ['on a VLAN', 42],
  ] as const)('finds nothing malformed and no bad checksum: %s', ([, vlan], context) => {
    if (!isInstalled) context.skip('tshark is not installed');
    const pair = converse(vlan);
    const directory = mkdtempSync(join(tmpdir(), 'pinwire-tshark-'));
    try {
      const path = join(directory, 'host0.pcapng');
      const packets = pair.sent.map(({ at, from, bytes }) =>
        pcapngPacket(
          0,
          instant(at),
          bytes,
          0,
          bytes.length,
          from === 0 ? DIRECTION.OUTBOUND : DIRECTION.INBOUND,
        ),
      );
      writeFileSync(path, Buffer.concat([pcapngHeader(['host0']), ...packets]));
      const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
      const output = execFileSync(
        'tshark',
        ['-r', path, ...checks, '-T', 'fields', ...FIELDS.flatMap((name) => ['-e', name])],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 },
      );
      const rows = output
        .replace(/\n$/, '')
        .split('\n')
        .map((row) => row.split('\t'));
      expect(rows.length).toBe(pair.sent.length);
      for (const [number, malformed, expert, ip, tcp, udp, igmp] of rows) {
        expect(malformed, `frame ${number}`).toBe('');
        for (const status of [ip, tcp, udp, igmp])
          expect(['', '1'], `frame ${number}`).toContain(status);
        expect(expert!.split(','), `frame ${number}`).not.toContain(ERROR);
      }
      const protocols = (name: string): number =>
        rows.filter((row) => row[FIELDS.indexOf(name)] === '1').length;
      expect(protocols('tcp.checksum.status')).toBeGreaterThan(100);
      expect(protocols('udp.checksum.status')).toBe(6);
      expect(protocols('igmp.checksum.status')).toBe(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
