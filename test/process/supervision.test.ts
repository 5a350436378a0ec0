import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlive, PING_PONG, Pinwire, readResults, scratch, until } from './pinwire.js';

/** Long enough never to end by itself. */
const LONG = ['run', PING_PONG, '--set', 'iterations=1000000', '--quiet'];

async function nothingIsLeft(pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(isAlive), `the end of processes ${pids.join(', ')}`);
}

describe('Ctrl-C', () => {
  test('ends a run with exit 130 and leaves no process, the whole group being hit as by a terminal', async () => {
    const command = new Pinwire([...LONG, '--out', scratch()], { group: true });
    const hosts = await command.hosts(2);
    process.kill(-command.child.pid!, 'SIGINT');
    const { code, stderr } = await command.ended;
    expect(code).toBe(130);
    expect(stderr.trim()).toBe('interrupted');
    await nothingIsLeft(hosts);
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('%s ends a run as Ctrl-C does', async (signal) => {
    const command = new Pinwire([...LONG, '--out', scratch()]);
    const hosts = await command.hosts(2);
    command.child.kill(signal);
    expect((await command.ended).code).toBe(130);
    await nothingIsLeft(hosts);
  });

  test('again kills hosts that do not stop', async () => {
    const command = new Pinwire([...LONG, '--out', scratch()]);
    const hosts = await command.hosts(2);
    await until(() => command.stderr.includes('starts on'), 'the run');
    // A stopped process cannot obey; only SIGKILL ends it.
    for (const pid of hosts) process.kill(pid, 'SIGSTOP');
    command.child.kill('SIGINT');
    const started = performance.now();
    setTimeout(() => command.child.kill('SIGINT'), 700);
    expect((await command.ended).code).toBe(130);
    expect(performance.now() - started).toBeLessThan(1_800);
    await nothingIsLeft(hosts);
  });

  test('ends `up` with exit 0, its token file gone', async () => {
    const command = new Pinwire(['up', '--hosts', '2']);
    await command.says('Ctrl-C stops it');
    const hosts = await command.hosts(2);
    const tokenFile = /token in (.*)/.exec(command.stdout)![1]!;
    expect(existsSync(tokenFile)).toBe(true);
    command.child.kill('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('every process has stopped');
    expect(existsSync(tokenFile)).toBe(false);
    await nothingIsLeft(hosts);
  });
});

describe('a host process that is killed', () => {
  test('mid-run is noticed within 2 s and named, and what was measured is written', async () => {
    const out = scratch();
    const command = new Pinwire([...LONG, '--set', 'first=5', '--hosts', '4', '--out', out]);
    const hosts = await command.hosts(4);
    await until(() => command.stderr.includes('starts on 1000000'), 'the second configuration');
    const killed = performance.now();
    process.kill(hosts[2]!, 'SIGKILL');
    const { code, stderr } = await command.ended;
    expect(performance.now() - killed).toBeLessThan(2_000);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`host\\d \\(pid ${hosts[2]!}\\) was killed by SIGKILL`));
    expect(stderr).toContain('repeat it: npx pinwire run');
    const { run, results } = readResults(join(out, 'results.json'));
    expect(results.map(({ params }) => params['iterations'])).toEqual([5]);
    expect(run.error).toMatch(/^host\d .* was killed by SIGKILL$/);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).toContain('was killed by SIGKILL');
    expect(report).toContain('measured until then');
    await nothingIsLeft(hosts);
  });

  test('ends `up` with exit 1', async () => {
    const command = new Pinwire(['up', '--hosts', '2']);
    await command.says('Ctrl-C stops it');
    const hosts = await command.hosts(2);
    process.kill(hosts[0]!, 'SIGKILL');
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/host\d \(pid \d+\) was killed by SIGKILL/);
    await nothingIsLeft(hosts);
  });
});

test('hosts do not outlive a coordinator that was killed', async () => {
  const command = new Pinwire([...LONG, '--out', scratch()]);
  const hosts = await command.hosts(2);
  command.child.kill('SIGKILL');
  await command.ended;
  await nothingIsLeft(hosts);
});

test('a reader that closes standard output does not stop the work', async () => {
  const out = scratch();
  const command = new Pinwire(['run', PING_PONG, '--out', out]);
  command.child.stdout!.destroy();
  expect((await command.ended).code).toBe(0);
  expect(readResults(join(out, 'results.json')).results).toHaveLength(1);
});

describe('under npm', () => {
  test('Ctrl-C leaves no process', async () => {
    const args = ['run', '--silent', 'cluster', '--', '--hosts', '2'];
    const command = new Pinwire(args, { file: 'npm', group: true });
    await command.says('Ctrl-C stops it');
    const hosts = await command.hosts(2);
    process.kill(-command.child.pid!, 'SIGINT');
    const { stdout } = await command.ended;
    expect(stdout).toContain('every process has stopped');
    await nothingIsLeft(hosts);
  });

  test('the loss of npm leaves no process', async () => {
    const args = ['run', '--silent', 'cluster', '--', '--hosts', '2'];
    const command = new Pinwire(args, { file: 'npm', group: true });
    await command.says('Ctrl-C stops it');
    const hosts = await command.hosts(2);
    command.child.kill('SIGKILL');
    await nothingIsLeft(hosts);
  });
});

describe('a program that goes wrong', () => {
  test.each(['process', 'embedded'])(
    'by an exception is reported with host, core and stack: %s',
    async (placement) => {
      const command = new Pinwire([
        'run',
        PING_PONG,
        '--set',
        'wrong=throw',
        '--placement',
        placement,
        '--out',
        scratch(),
      ]);
      const { code, stderr } = await command.ended;
      expect(code).toBe(1);
      expect(stderr).toContain('host0 core 0: Error: thrown on purpose');
      expect(stderr).toMatch(/at program .*ping-pong\.js:\d+:\d+/);
    },
  );

  test('by awaiting what is not the emulator’s is reported with host and core', async () => {
    const command = new Pinwire(['run', PING_PONG, '--set', 'wrong=foreign', '--out', scratch()]);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/host0 core 0: .*awaits something outside the emulator/);
  });

  test.each(['virtual', 'real'])(
    'by a deadlock is reported with every waiting program: %s clock',
    async (clock) => {
      const command = new Pinwire([
        'run',
        PING_PONG,
        '--set',
        'wrong=hang',
        '--clock',
        clock,
        '--out',
        scratch(),
      ]);
      const { code, stderr } = await command.ended;
      expect(code).toBe(1);
      expect(stderr).toContain('deadlock: every program is waiting');
      expect(stderr).toMatch(/host0 core 0 has waited to hear from rank 1/);
      expect(stderr).toMatch(/host1 core 0 has waited in watch/);
    },
  );

  test('by wrong data fails the run', async () => {
    const out = scratch();
    const command = new Pinwire([
      'run',
      PING_PONG,
      '--set',
      'wrong=verify',
      '--quiet',
      '--out',
      out,
    ]);
    const { code, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('did not verify');
    expect(readResults(join(out, 'results.json')).results[0]!.verified).toBe(false);
  });
});
