/**
 * The pages of commands that stay up, as Prometheus and an orchestrator's probes see them, and what the log says
 * meanwhile.
 */
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseExposition, valueOf } from '../coordinator/operations/exposition.js';
import { Pinwire, pinwire, readResults, scratch, until } from './pinwire.js';

const started: Pinwire[] = [];
afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});

function start(...args: string[]): Pinwire {
  const command = new Pinwire(args);
  started.push(command);
  return command;
}

async function up(...args: string[]): Promise<{ command: Pinwire; url: string }> {
  const command = start('up', '--listen', '0', ...args);
  await command.says('Ctrl-C stops it');
  const [, address] = /up at ws:\/\/(\S+)/.exec(command.stdout)!;
  return { command, url: `http://${address!}` };
}

interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

const logOf = ({ stderr }: Pinwire): LogLine[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);

async function event(command: Pinwire, name: string): Promise<LogLine> {
  const find = (): LogLine | undefined => logOf(command).find((each) => each.event === name);
  await until(() => find() !== undefined, `the event "${name}"`);
  return find()!;
}

async function page(url: string, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(5000) });
  return { status: response.status, body: await response.text() };
}

describe('a coordinator', () => {
  test('shows what a client’s run counted, as the client’s results have it', async () => {
    const { command, url } = await up('--hosts', '2', '--log', 'json');
    expect(await page(url, '/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect(await page(url, '/readyz')).toEqual({ status: 200, body: 'ready\n' });
    const out = scratch();
    const attach = ['--attach', url.replace('http', 'ws'), '--out', out, '--quiet'];
    const args = ['run', 'micro/send-lat', '--set', 'size=64', '--set', 'iterations=50', ...attach];
    const ended = await pinwire(args);
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
    const { results, run } = readResults(join(out, 'results.json'));
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const families = parseExposition(await response.text());
    const counters = results[0]!.counters as Record<string, Record<string, number>>;
    for (const host of ['host0', 'host1']) {
      for (const name of ['tx_packets', 'rx_packets', 'completions', 'dma_write_bytes']) {
        const shown = valueOf(families, `pinwire_host_${name}_total`, { host });
        expect(shown, `${host} ${name}`).toBe(counters[host]![name]);
      }
    }
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'done' })).toBe(1);
    expect(valueOf(families, 'pinwire_events_total')).toBe(run.events);
    expect(valueOf(families, 'pinwire_rounds_total')).toBe(run.cost!.rounds);
    const [host0] = run.cost!.processes;
    const waited = { process: 'host0', for: 'host1' };
    expect(valueOf(families, 'pinwire_process_waiting_seconds_total', waited)).toBeCloseTo(
      host0!.for['host1']!,
      5,
    );
    expect(valueOf(families, 'pinwire_window_wait_seconds_sum', waited)).toBeCloseTo(
      host0!.for['host1']!,
      5,
    );
    expect(valueOf(families, 'pinwire_hosts', { state: 'up' })).toBe(2);
    expect(valueOf(families, 'pinwire_connections_total', { fate: 'served' })).toBe(3);
    expect(valueOf(families, 'pinwire_refused_connections_total', { reason: 'token' })).toBe(0);

    const told = await event(command, 'run done');
    expect(told).toMatchObject({
      ...{ level: 'info', run: 1, workload: 'micro/send-lat', rounds: run.rounds },
      bytes: run.cost!.control_bytes + run.cost!.fabric_bytes,
    });
    command.child.kill('SIGINT');
    expect((await command.ended).code).toBe(0);
  });

  test('counts a run that fails, and tells the log why', async () => {
    const { command, url } = await up(
      '--hosts',
      '2',
      '--log',
      'json',
      '--programs',
      'test/process/modules',
    );
    const module = 'test/process/modules/ping-pong.js';
    const attach = ['--attach', url.replace('http', 'ws'), '--out', scratch(), '--quiet'];
    const { code } = await pinwire(['run', module, '--set', 'wrong=throw', ...attach]);
    expect(code).toBe(1);
    const families = parseExposition((await page(url, '/metrics')).body);
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'failed' })).toBe(1);
    expect(valueOf(families, 'pinwire_runs_total', { outcome: 'done' })).toBe(0);
    const told = await event(command, 'run failed');
    expect(told['level']).toBe('warn');
    expect(told['reason']).toContain('host');
  });

  test('has its pages elsewhere, or nowhere, if told so', async () => {
    const apart = await up('--hosts', '1', '--log', 'json', '--metrics', '127.0.0.1:0');
    const { url } = await event(apart.command, 'pages open');
    expect((await page(String(url), '/readyz')).status).toBe(200);
    parseExposition((await page(String(url), '/metrics')).body);
    expect((await page(apart.url, '/metrics')).status).toBe(426);
    const without = await up('--hosts', '1', '--metrics', 'off');
    expect((await page(without.url, '/healthz')).status).toBe(426);
  });

  test('is no page for web pages', async () => {
    const { url } = await up('--hosts', '1');
    const response = await fetch(`${url}/metrics`, { headers: { origin: 'http://example.com' } });
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain('pinwire_');
  });

  test('takes an address that it can have', async () => {
    const { url } = await up('--hosts', '1');
    const taken = new URL(url).host;
    const refused = await pinwire(['up', '--hosts', '1', '--listen', '0', '--metrics', taken]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(new RegExp(`^pinwire: --metrics ${taken}: .*\\n$`));
    const nonsense = await pinwire(['up', '--hosts', '1', '--metrics', 'maybe']);
    expect(nonsense.code).toBe(2);
    expect(nonsense.stderr).toMatch(/^pinwire: --metrics: .*\n$/);
  });
});

test('a machine is well while its coordinator has it; the coordinator is ready when its hosts are there', async () => {
  const { command, url } = await up('--placement', 'joined', '--hosts', '1', '--log', 'json');
  expect((await page(url, '/healthz')).status).toBe(200);
  expect(await page(url, '/readyz')).toEqual({ status: 503, body: '1 hosts are missing\n' });

  // One whose coordinator is not there.
  const lonely = start('join', 'ws://127.0.0.1:1', '--metrics', '0', '--log', 'json');
  const { url: lonelyUrl } = await event(lonely, 'pages open');
  expect((await page(String(lonelyUrl), '/healthz')).status).toBe(503);

  const machine = start('join', url.replace('http', 'ws'), '--metrics', '0', '--log', 'json');
  const { url: pages } = await event(machine, 'pages open');
  await event(command, 'ready');
  expect((await page(url, '/readyz')).status).toBe(200);
  expect(await page(String(pages), '/healthz')).toEqual({ status: 200, body: 'ok\n' });
  const families = parseExposition((await page(String(pages), '/metrics')).body);
  expect(valueOf(families, 'pinwire_joined')).toBe(1);
  command.child.kill('SIGTERM');
  expect((await command.ended).code).toBe(0);
  expect((await machine.ended).code).toBe(0);
});
