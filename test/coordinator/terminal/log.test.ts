import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createLog } from '../../../coordinator/terminal/log.js';
import { RefusalWatch } from '../../../coordinator/operations/refusal-watch.js';
import type { EventLog } from '../../../coordinator/terminal/event-log.js';
import { messageOf } from '../errors/usage-message.js';

function logged(options: object, tell: (log: EventLog) => void): string[] {
  const lines: string[] = [];
  tell(createLog(options, (line) => lines.push(line)));
  return lines;
}
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('the log', () => {
  test('is a line per event for people', () => {
    const [line] = logged({}, (log) =>
      log.warn({ name: 'alpha', address: '10.0.0.7', hosts: [2, 3], missing: 0 }, 'host joined'),
    );
    const [time, ...rest] = line!.split(' ');
    expect(time).toMatch(TIME);
    expect(rest.join(' ')).toBe('warn host joined name=alpha address=10.0.0.7 hosts=2,3 missing=0');
  });

  test('is an object per event for machines', () => {
    const [line] = logged({ log: 'json' }, (log) => log.info({ name: 'alpha' }, 'host joined'));
    const { time, ...rest } = JSON.parse(line!) as Record<string, string>;
    expect(time).toMatch(TIME);
    expect(rest).toEqual({ level: 'info', event: 'host joined', name: 'alpha' });
  });

  test('what a peer says stays within its line and its quotes', () => {
    const said = 'bye\n2026-01-01T00:00:00.000Z info host joined name="evil"\u001b[2J\u009b2J';
    const tell = (log: EventLog): void => log.info({ reason: said }, 'host lost');
    const [line] = logged({}, tell);
    expect(line).not.toMatch(/\p{Cc}/u);
    expect(line).toContain('reason="bye\\n2026-01-01T00:00:00.000Z info host joined');
    const [json] = logged({ log: 'json' }, tell);
    expect(json).not.toContain('\n');
    expect((JSON.parse(json!) as { reason: string }).reason).toBe(said);
  });

  test.each([
    ['trace', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('from level %s on tells %j', (level, told) => {
    const lines = logged({ 'log-level': level, log: 'json' }, (log) => {
      log.debug({}, 'a');
      log.info({}, 'b');
      log.warn({}, 'c');
      log.error({}, 'd');
    });
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(told);
  });

  test.each(['json', 'text'])('tells no secret, should it be handed one (%s)', (log) => {
    const [line] = logged({ log }, (each) =>
      each.info({ token: 'sesame', options: { token: 'sesame', key: 'sesame' } }, 'up'),
    );
    expect(line).not.toContain('sesame');
  });

  test('is only to be had as it is', () => {
    const create = (options: object) => () => createLog(options, () => undefined);
    expect(messageOf(create({ log: 'xml' }))).toContain('--log: ');
    expect(messageOf(create({ 'log-level': 'loud' }))).toContain('--log-level: ');
  });
});

describe('refused connections', () => {
  test('are one line per reason in ten seconds, however many', () => {
    const counts = { token: 0, garbage: 0 };
    const lines = logged({}, (log) => {
      const watch = new RefusalWatch(log, () => counts);
      watch.look(1000);
      counts.token = 1;
      watch.look(2000);
      for (let second = 3; second < 12; second++) {
        counts.token += 1000;
        watch.look(second * 1000);
      }
      counts.garbage = 2;
      watch.look(12_000);
      watch.look(13_000);
      counts.garbage = 5;
      watch.close();
      watch.close();
    });
    expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'warn connections refused reason=token count=1',
      'warn connections refused reason=token count=9000',
      'warn connections refused reason=garbage count=2',
      'warn connections refused reason=garbage count=3',
    ]);
  });
});

describe('the events', () => {
  const directory = new URL('../../../coordinator/', import.meta.url);
  const sources = readdirSync(directory, { encoding: 'utf8', recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name, directory), 'utf8'));
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## The log'));
  const listed = [...section.matchAll(/^\| `([a-z ]+)` +\| (\w+) /gm)].map(
    ([, event, level]) => `${level!} ${event!}`,
  );

  test('are those of the documentation, with their levels', () => {
    // Outcomes of runs have one call for all.
    const told = ['info run done', 'warn run failed', 'info run cancelled'];
    for (const source of sources) {
      const calls = source.matchAll(/\blog\.(debug|info|warn|error)\(([\s\S]*?)\);\n/g);
      for (const [, level = '', body = ''] of calls) {
        const event = /'([a-z ]+)',?\s*$/.exec(body)?.[1];
        told.push(`${level} ${event ?? `no event: ${body}`}`);
      }
    }
    expect(told.length).toBeGreaterThan(20);
    expect([...new Set(told)].sort()).toEqual([...listed].sort());
  });
});
