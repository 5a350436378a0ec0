/** What Wireshark makes of our files, where it is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { instant } from '../../units/time.js';
import { OPCODE_INFO } from '../../wire/opcode-table.js';
import { DIRECTION, pcapngHeader, pcapngPacket } from '../../wire/pcapng-writer.js';
import { randomNumbers, sampleFrame } from './sample-frames.js';

const isInstalled = spawnSync('tshark', ['--version']).status === 0;

test('tshark reads our captures: every opcode, interface, time and direction', (context) => {
  if (!isInstalled) context.skip('tshark is not installed');
  const random = randomNumbers(41);
  const infos = OPCODE_INFO.filter((info) => info !== undefined);
  const packets = infos.map((info, i) => {
    const frame = sampleFrame(
      { opcode: info.opcode, payload: info.payload ? 16 : 0, ipv6: i % 2 === 1 },
      random,
    );
    const time = instant(i * 1_000_000_001_000 + 999);
    const direction = i % 3 === 0 ? DIRECTION.INBOUND : DIRECTION.OUTBOUND;
    return pcapngPacket(i % 2, time, frame, 0, frame.length, direction);
  });
  const directory = mkdtempSync(join(tmpdir(), 'pinwire-tshark-'));
  try {
    const path = join(directory, 'host0.pcapng');
    writeFileSync(path, Buffer.concat([pcapngHeader(['host0', 'host1']), ...packets]));
    const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.packet_flags_direction'];
    const output = execFileSync(
      'tshark',
      [
        ...['--disable-protocol', 'rpcordma', '-r', path, '-Y', 'infiniband', '-T', 'fields'],
        ...[...fields, 'infiniband.bth.opcode', '_ws.malformed'].flatMap((name) => ['-e', name]),
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const rows = output.trimEnd().split('\n');
    expect(rows.map((row) => row.split('\t').slice(1).join(' ').trimEnd())).toEqual(
      infos.map(({ opcode }, i) => {
        const direction = i % 3 === 0 ? '0x00000001' : '0x00000002';
        return `host${i % 2} ${direction} ${opcode}`;
      }),
    );
    const times = rows.map((row) => row.split('\t')[0]);
    expect(times).toEqual(infos.map((_, i) => `${i}.${String(i).padStart(9, '0')}`));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
