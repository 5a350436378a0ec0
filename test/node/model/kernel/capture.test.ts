/** What sockets leave on the wire, the kernel's and a program's own, as tshark judges it where it is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openNetwork, receiveAll, type NetworkPath } from '../../../../node/program/sockets.js';
import type { Core, Picoseconds } from '../../../../node/program/verbs.js';
import { runEmbedded } from '../../../embedded.js';

const isInstalled = spawnSync('tshark', ['--version']).status === 0;
const GROUP = '239.7.7.7';
/** Ports that no dissector claims. */
const TCP_PORT = 40_001;
const UDP_PORT = 40_002;

/** ARP, a group joined, datagrams, and a TCP stream under loss, from its handshake to its end. */
async function capture(
  path: NetworkPath,
  vmQueues: 'no' | 'own' | 'shared',
): Promise<Uint8Array[][]> {
  const frames: Uint8Array[][] = [[], []];
  const inMachines = vmQueues !== 'no' && {
    machine: {
      vms: [0, 1].map((host) => ({ host, cores: [1], memory: 2 ** 22, vlan: 42 })),
      vmQueues,
    },
    programs: [0, 1].map((host) => ({ host, core: 1, role: '', vm: host })),
  };
  const peer = { host: 1, ...(inMachines && { vm: 1 }) };
  const run = await runEmbedded({
    ...(inMachines ? { hosts: 2, ...inMachines } : {}),
    seed: 5,
    faults: { loss: 0.02 },
    capture: (host, bytes) => frames[host]!.push(bytes.slice()),
    program: async (core: Core) => {
      const network = await openNetwork(core, { path });
      const memory = await core.allocate(1 << 17);
      const group = await network.udp(UDP_PORT);
      await group.join(GROUP);
      if (core.rank === 1) {
        const socket = await (await network.listen(TCP_PORT)).accept();
        await receiveAll(socket, memory.address, 100_001);
        await socket.send(memory.address, 777);
        await socket.close();
        return;
      }
      await core.sleep(1e9 as Picoseconds);
      await group.sendTo({ address: GROUP, port: UDP_PORT }, memory.address, 33);
      for (const length of [0, 1, 700, 1472]) {
        await group.sendTo({ ...peer, port: UDP_PORT }, memory.address, length);
      }
      const socket = await network.connect({ ...peer, port: TCP_PORT });
      await socket.send(memory.address, 100_001);
      await receiveAll(socket, memory.address, 777);
      await socket.close();
    },
  });
  expect(run.failure).toBeNull();
  return frames;
}

const FIELDS = [
  '_ws.malformed',
  'ip.checksum.status',
  'tcp.checksum.status',
  'udp.checksum.status',
  'tcp',
  'udp',
  'arp',
  'tcp.flags.syn',
  'vlan.id',
] as const;

type Dissected = Readonly<Record<(typeof FIELDS)[number], string>>;

/** What tshark says of each frame of a file, checksums checked; a field that a frame has not is empty. */
function dissect(file: string): Dissected[] {
  const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
  const fields = FIELDS.flatMap((name) => ['-e', name]);
  const output = execFileSync('tshark', ['-r', file, ...checks, '-T', 'fields', ...fields], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
  const rows = output.split('\n').slice(0, -1);
  return rows.map((row) => {
    const cells = row.split('\t');
    return Object.fromEntries(FIELDS.map((name, i) => [name, cells[i]!])) as Dissected;
  });
}

/** As tshark's fields have it: a checksum that is wrong, and a flag that is set. */
const BAD = '0';
const SET = /^(1|True)$/;

const isWrong = (frame: Dissected): boolean =>
  frame['_ws.malformed'] !== '' ||
  [frame['ip.checksum.status'], frame['tcp.checksum.status'], frame['udp.checksum.status']].some(
    (status) => status.split(',').includes(BAD),
  );

describe('a capture', () => {
  it.for([
    ['kernel', 'no'],
    ['bypass', 'no'],
    ['kernel', 'own'],
    ['bypass', 'own'],
    ['kernel', 'shared'],
  ] as const)(
    'of the path %s, in machines with %s queues, has nothing malformed and no wrong checksum for tshark',
    async ([path, vmQueues], context) => {
      if (!isInstalled) context.skip('tshark is not installed');
      const directory = mkdtempSync(join(tmpdir(), 'pinwire-capture-'));
      try {
        for (const [host, blocks] of (await capture(path, vmQueues)).entries()) {
          const file = join(directory, `host${host}.pcapng`);
          writeFileSync(file, Buffer.concat(blocks));
          const frames = dissect(file);
          const count = (holds: (frame: Dissected) => boolean): number =>
            frames.filter(holds).length;
          expect(count(isWrong)).toBe(0);
          expect(count(({ tcp }) => tcp !== '')).toBeGreaterThan(80);
          expect(count(({ udp }) => udp !== '')).toBeGreaterThan(3);
          expect(count(({ arp }) => arp !== '')).toBeGreaterThan(0);
          expect(count((frame) => SET.test(frame['tcp.flags.syn']))).toBeGreaterThan(1);
          const tagged = count((frame) => frame['vlan.id'] === '42');
          expect(tagged).toBe(vmQueues === 'no' ? 0 : frames.length);
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
