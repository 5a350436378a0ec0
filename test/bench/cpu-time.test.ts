import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuSeconds, TimedCommands } from '../../bench/peers/cpu-time.js';

const scratch = mkdtempSync(join(tmpdir(), 'pinwire-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const BURN_MS = 300;
const burn = `const end = process.cpuUsage().user + ${BURN_MS}e3; while (process.cpuUsage().user < end);`;

describe('the CPU time of a command', () => {
  it("is that of all its processes: a child's counts", async () => {
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(burn)}])`;
    const { cpu } = await new TimedCommands(scratch).run([process.execPath, '-e', child]);
    expect(cpu).toBeGreaterThanOrEqual(BURN_MS / 1e3);
  });

  it('is read apart from what the command prints, on both of its streams', async () => {
    const script = 'echo 1.000 2.000; echo 3.000 4.000 >&2';
    const { cpu, output } = await new TimedCommands(scratch).run(['bash', '-c', script]);
    expect(output).toBe('1.000 2.000\n');
    expect(cpu).toBeLessThan(1);
  });

  it('adds user and system, with the comma of some locales too', () => {
    expect(cpuSeconds('1.250 0.500\n')).toBe(1.75);
    expect(cpuSeconds('1,250 0,500\n')).toBe(1.75);
    expect(() => cpuSeconds('')).toThrow(/time says/);
  });
});

describe('a command', () => {
  it('that fails is an error that holds the line which tells why', async () => {
    const script = 'echo "x.cc:1: error: no such header" >&2; echo "  1 | #include" >&2; exit 3';
    const run = new TimedCommands(scratch).run(['bash', '-c', script]);
    await expect(run).rejects.toThrow(/ended with status 3: x\.cc:1: error: no such header$/);
  });

  it('that is stopped takes its children with it', async () => {
    const commands = new TimedCommands(scratch);
    const run = commands.run([
      'bash',
      '-c',
      'sleep 100 & echo $! >child.tmp; mv child.tmp child; wait',
    ]);
    const outcome = expect(run).rejects.toThrow(/SIGTERM/);
    const child = join(scratch, 'child');
    while (!existsSync(child)) await sleep(10);
    await commands.stop();
    await outcome;
    // Its output's pipe closed, so the child has let go of it; it may take a moment to be gone.
    const pid = Number(readFileSync(child, 'utf8'));
    while (isRunning(pid)) await sleep(10);
    await expect(commands.run(['true'])).rejects.toThrow('stopped');
  });
});

/** A process that has ended and waits to be reaped runs no more. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
