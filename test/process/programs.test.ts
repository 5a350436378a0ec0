import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CapturedFiles } from '../../coordinator/run/captured-files.js';
import { RunError } from '../../coordinator/errors/run-error.js';
import { readCapture } from '../../wire/capture.js';
import type { ModuleReference } from '../../node/spec/module-reference.js';
import { bundleProgram } from '../../node/process/program-bundle.js';
import writeBandwidth from '../../workloads/micro/write-bw.js';
import { PING_PONG, pinwire, scratch } from './pinwire.js';
import { ServedCluster } from './served-cluster.js';

const FILE = basename(PING_PONG);
const SOURCE = readFileSync(PING_PONG, 'utf8');
/** Where each host's operator allows programs. */
const allowed = [scratch(), scratch()];
let cluster: ServedCluster;

beforeAll(async () => {
  cluster = await ServedCluster.start(
    allowed.map((directory) => ({ files: false, directories: [scratch(), directory] })),
  );
});
afterAll(() => cluster.stop());

/** Puts the ping-pong, or something else under its name, where the operator of `host` allows it. */
const install = (host: number, source = SOURCE): void =>
  writeFileSync(join(allowed[host]!, FILE), source);

const clients = async (path = PING_PONG): Promise<ModuleReference> => {
  const { fingerprint } = await bundleProgram(path, scratch());
  return { kind: 'program', file: basename(path), fingerprint };
};

describe('hosts that serve others', () => {
  beforeEach(() => {
    for (const host of allowed.keys()) install(host);
  });

  test('run a program that their operators allowed, and leave no bundle', async () => {
    const { values } = await cluster.run({ module: await clients() });
    expect(values).toHaveLength(2);
    expect(values[0]).toMatchObject({ last: 21 });
    expect(readdirSync(cluster.temporary)).toEqual([]);
  });

  test('load no file that a coordinator names', async () => {
    const directory = scratch();
    const marker = join(directory, 'loaded');
    const trap = join(directory, 'trap.mjs');
    writeFileSync(
      trap,
      `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(marker)}, '');\n${SOURCE}`,
    );
    const module: ModuleReference = { kind: 'file', url: pathToFileURL(trap).href };
    const refused = cluster.run({ module });
    await expect(refused).rejects.toBeInstanceOf(RunError);
    await expect(refused).rejects.toThrow(
      /^host[01]: file:.*trap\.mjs is not loaded: .*--programs/,
    );
    expect(existsSync(marker)).toBe(false);

    // The same module is loaded where an operator put it: the trap does spring.
    for (const host of allowed.keys())
      writeFileSync(join(allowed[host]!, 'trap.mjs'), readFileSync(trap));
    await cluster.run({ module: await clients(trap) });
    expect(existsSync(marker)).toBe(true);
  });

  test('refuse a program that differs from the client’s, by name and in one line', async () => {
    install(1, SOURCE.replace('default: 20', 'default: 21'));
    const theirs = await clients();
    await expect(cluster.run({ module: theirs })).rejects.toThrow(
      /^host1: ping-pong\.js in \/\S+ differs from the client's \(theirs [0-9a-f]{12}, here [0-9a-f]{12}\)$/,
    );
    install(1);
    expect((await cluster.run({ module: theirs })).values).toHaveLength(2);
  });

  test('refuse a program that they do not have', async () => {
    const path = join(scratch(), 'mine.ts');
    writeFileSync(path, SOURCE);
    writeFileSync(join(allowed[0]!, 'mine.ts'), SOURCE);
    await expect(cluster.run({ module: await clients(path) })).rejects.toThrow(
      "host1: this cluster's hosts have no program mine.ts (their operators allow programs with --programs DIR)",
    );
  });

  test('keep the token out of a program’s environment', async () => {
    const path = join(allowed[0]!, 'nosy.js');
    const nosy = SOURCE.replace(/return \{ sum: .*/, 'return { environment: { ...process.env } };');
    for (const directory of allowed) writeFileSync(join(directory, 'nosy.js'), nosy);
    const { values } = await cluster.run({ module: await clients(path) });
    const [{ environment }] = values as [{ environment: Record<string, string> }];
    expect(environment['TMPDIR']).toBe(cluster.temporary);
    expect(Object.keys(environment).filter((name) => name.startsWith('PINWIRE'))).toEqual([]);
  });

  test('say where in its source a program failed', async () => {
    const typed = SOURCE.replace('const latencies = [];', 'const latencies: number[] = [];');
    const path = join(scratch(), 'typed.ts');
    for (const each of [path, ...allowed.map((directory) => join(directory, 'typed.ts'))]) {
      writeFileSync(each, typed);
    }
    const line = typed.split('\n').findIndex((each) => each.includes('thrown on purpose')) + 1;
    const failing = cluster.run({ module: await clients(path), set: ['wrong=throw'] });
    await expect(failing).rejects.toThrow(
      new RegExp(`^host0 core 0: Error: thrown on purpose, at [^\\n]*typed\\.ts:${line}:`),
    );
  });
});

describe('captures', () => {
  const set = ['iterations=300'];
  const reference = scratch();

  beforeAll(async () => {
    for (const host of allowed.keys()) install(host);
    const args = ['run', PING_PONG, '--set', set[0]!, '--capture', reference, '--out', scratch()];
    expect((await pinwire(args)).code).toBe(0);
  });

  test('that hosts send are those that a cluster of one’s own writes, byte for byte', async () => {
    const directory = scratch();
    const files = new CapturedFiles(directory, 2);
    let pieces = 0;
    await cluster.run({
      module: await clients(),
      set,
      onCaptured: async (host, bytes) => {
        // A client that is slow: whatever comes meanwhile keeps its order.
        await new Promise((resolve) => setTimeout(resolve, pieces++ % 3));
        files.append(host, bytes);
      },
    });
    files.close();
    expect(pieces).toBeGreaterThan(2);
    for (const file of ['host0.pcapng', 'host1.pcapng']) {
      const sent = readFileSync(join(directory, file));
      expect(sent.length).toBeGreaterThan(70_000);
      expect(sent.equals(readFileSync(join(reference, file))), file).toBe(true);
    }
  });

  test('hold the run while nobody takes them', async () => {
    const run = {
      module: { kind: 'catalogue', name: 'micro/write-bw' },
      workload: writeBandwidth,
      set: ['size=1MiB', 'iterations=60'],
    } as const;
    const { packets: all, traceHash } = await cluster.run(run);
    const packets: number[] = [];
    let take: () => void;
    const held = new Promise<void>((resolve) => (take = resolve));
    let bytes = 0;
    const record = await cluster.run({
      ...run,
      onCaptured: async (_host, piece) => {
        await held;
        bytes += piece.length;
      },
      onProgress: (progress) => {
        packets.push(progress.packets);
        // As long as this the processes say that nothing more arrives.
        if (packets.at(-1) === packets.at(-12) && progress.packets > 0) take();
      },
    });
    expect(packets.at(-1)).toBeGreaterThan(0);
    expect(Math.max(...packets.slice(0, 12))).toBeLessThan(0.9 * all);
    expect(record.traceHash).toBe(traceHash);
    expect(bytes).toBeGreaterThan(100 << 20);
  });

  test('are never written where a coordinator says', async () => {
    const directory = join(scratch(), 'captures');
    const refused = cluster.run({ module: await clients(), captureDirectory: directory });
    await expect(refused).rejects.toThrow(
      `captures are sent from here, not written to ${directory}`,
    );
    expect(existsSync(directory)).toBe(false);
  });

  test('of a run that failed are there until it did, of every host', async () => {
    const directory = scratch();
    const files = new CapturedFiles(directory, 2);
    const failing = cluster.run({
      module: await clients(),
      set: ['wrong=throw', 'at=15'],
      onCaptured: (host, bytes) => files.append(host, bytes),
    });
    await expect(failing).rejects.toThrow('thrown on purpose');
    files.close();
    for (const file of ['host0.pcapng', 'host1.pcapng']) {
      const packets = [...readCapture(readFileSync(join(directory, file)))];
      // 14 round trips, each WRITE acknowledged.
      expect(packets.length, file).toBeGreaterThanOrEqual(14 * 4 - 1);
    }
  });

  test('that cannot be kept end the run, and the next one goes on', async () => {
    const module = await clients();
    const full = cluster.run({
      module,
      set,
      onCaptured: () => {
        throw new RunError('host*.pcapng cannot be written: the disk is full');
      },
    });
    await expect(full).rejects.toThrow('the disk is full');
    expect((await cluster.run({ module })).values).toHaveLength(2);
  });
});
