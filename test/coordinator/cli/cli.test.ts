import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../coordinator/cli/cli.js';

const directory = mkdtempSync(join(tmpdir(), 'pinwire-cli-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a command prints, and its exit status. */
async function said(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runCli(argv, {
    write: (text) => void (out += text),
    error: (line) => void (err += `${line}\n`),
    status: { isTerminal: false, write: () => undefined },
  });
  return { status, out, err };
}

describe('list', () => {
  it('shows a workload that is named alone: name, type, default, and what each parameter takes', async () => {
    const { status, out } = await said('list', 'host/memlock');
    expect(status).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^host\/memlock: /);
    expect(out).toMatch(/^ {2}ram_size +size +32 MiB +RAM of the host \(from 4 MiB\)$/m);
    expect(out).not.toContain('micro/');
    expect(out).not.toContain('suites:');
  });

  it('shows durations with their units, and the choices of a choice', async () => {
    const { out } = await said('list', 'host/rss', 'micro/write-lat');
    expect(out).toMatch(/^ {2}work +duration +0 ps +/m);
    expect(out).toMatch(/^ {2}inline +choice +auto .*\(auto, on, off\)$/m);
  });

  it('shows the whole catalogue and the suites without a name', async () => {
    const { out } = await said('list');
    expect(out.match(/^\w+\/[\w-]+: /gm)!.length).toBeGreaterThan(10);
    expect(out).toMatch(/^suites:\n {2}micro: micro\/send-lat, /m);
  });

  it('refuses a name that it does not have', async () => {
    const { status, err } = await said('list', 'micro/write-la');
    expect(status).toBe(2);
    expect(err).toContain('did you mean micro/write-lat?');
  });
});

describe('--help with a name', () => {
  it.each([
    ['run', 'micro/write-lat', '--help'],
    ['run', '--help', 'micro/write-lat', '--hosts', '3'],
    ['explain', 'micro/write-lat', '-h'],
  ])('%s %s %s shows the options and the parameters of the workload', async (...argv) => {
    const { status, out } = await said(...argv);
    expect(status).toBe(0);
    expect(out).toContain('--seed');
    expect(out).toMatch(/^micro\/write-lat: /m);
    expect(out).toMatch(/^ {2}qps +integer +1 +queue pairs, used in turn \(1 to 1024\)$/m);
  });

  it("shows those of a user's own module", async () => {
    const path = join(directory, 'own.ts');
    writeFileSync(
      path,
      `export default { name: 'own', summary: 'mine', place() { return []; }, program() {}, summarise() {},
         parameters: { pause: { type: 'duration', default: 1500 as number, help: 'between two' } } };`,
    );
    const { out } = await said('run', path, '--help');
    expect(out).toMatch(/^own: mine\n {2}pause {2}duration {2}1\.5 ns {2}between two$/m);
  });

  it('refuses a workload that does not exist', async () => {
    expect(await said('run', 'micro/write-la', '--help')).toMatchObject({ status: 2 });
  });

  it('adds nothing where no workload is named', async () => {
    expect((await said('run', '--help')).out).not.toContain('Parameters');
  });
});
