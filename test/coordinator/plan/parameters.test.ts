import { describe, expect, test } from 'vitest';
import {
  checkSettings,
  kindsOf,
  parseSettings,
  readParameters,
} from '../../../coordinator/plan/parameters.js';
import type { ParameterSpec, Workload } from '../../../workloads/authoring/workload.js';
import { messageOf } from '../errors/usage-message.js';

const help = '';
const parameters: Readonly<Record<string, ParameterSpec>> = {
  size: { type: 'size', default: '64KiB', min: 2, max: 2 ** 20, help },
  iterations: { type: 'integer', default: 100, min: 1, help },
  load: { type: 'number', default: 0.5, max: 1, help },
  gap: { type: 'duration', default: '1.5us', help },
  pace: { type: 'rate', default: '2.5Gbps', max: 400, help },
  mode: { type: 'choice', default: 'auto', choices: ['auto', 'on', 'off'], help },
  check: { type: 'boolean', default: true, help },
  feed: { type: 'file', default: '', help },
};
const workload = { parameters } as Workload;
const read = (...settings: string[]): Readonly<Record<string, unknown>> =>
  readParameters(workload, parseSettings(settings));

describe('a workload’s parameters', () => {
  test('are sizes, durations and rates by their type, or by what a configuration makes of a text', () => {
    const sizes: ParameterSpec = { type: 'text', of: 'size', default: '8,64', help };
    const kinds = kindsOf({ ...workload, parameters: { ...parameters, sizes } });
    expect(kinds).toMatchObject({ size: 'size', gap: 'duration', pace: 'rate', sizes: 'size' });
    expect([kinds['iterations'], kinds['load'], kinds['mode']]).toEqual(
      new Array(3).fill(undefined),
    );
  });

  test('are its defaults in its order, those with a unit as numbers', () => {
    expect(Object.entries(read())).toEqual([
      ['size', 65_536],
      ['iterations', 100],
      ['load', 0.5],
      ['gap', 1_500_000],
      ['pace', 2.5],
      ['mode', 'auto'],
      ['check', true],
      ['feed', ''],
    ]);
  });

  test('are read by their kinds', () => {
    const settings = ['size=4K', 'iterations=1e3', 'load=.25', 'gap=2ms', 'mode=off', 'check=off'];
    expect(read(...settings, 'pace=100 Gb/s', 'feed=a=b.itch')).toEqual({
      size: 4096,
      iterations: 1000,
      load: 0.25,
      gap: 2_000_000_000,
      pace: 100,
      mode: 'off',
      check: false,
      feed: 'a=b.itch',
    });
  });

  test.each([
    ['size=1', 'must be at least 2'],
    ['size=2MiB', 'must be at most'],
    ['size=big', 'expected a size'],
    ['iterations=1.5', 'expected a whole number'],
    ['iterations=1e300', 'expected a whole number'],
    ['load=NaN', 'expected a number'],
    ['load=1e999', 'expected a number'],
    ['gap=5', 'expected a time'],
    ['pace=100GBps', 'expected a rate'],
    ['pace=1Tbps', 'must be at most 400'],
    ['mode=atuo', 'did you mean auto?'],
    ['check=perhaps', 'expected on or off'],
  ])('%s is refused', (setting, message) => {
    expect(messageOf(() => read(setting))).toContain(message);
  });

  test('must be known to one of the workloads at least', () => {
    const one = [{ name: 'micro/one', workload }];
    const check = (name: string): void => checkSettings(parseSettings([`${name}=1`]), one);
    expect(() => check('size')).not.toThrow();
    expect(messageOf(() => check('sise'))).toContain(
      'micro/one has no such parameter; did you mean size?',
    );
    expect(messageOf(() => check('constructor'))).toContain('no such parameter');
  });

  test('are given once each, as key=value', () => {
    expect(messageOf(() => parseSettings(['size=1', 'size=2']))).toContain('given twice');
    expect(messageOf(() => parseSettings(['size']))).toContain('expected key=value');
    expect(messageOf(() => parseSettings(['=4']))).toContain('expected key=value');
  });
});
