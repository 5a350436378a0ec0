import { describe, expect, test } from 'vitest';
import { parseFaults } from '../../../coordinator/options/faults.js';
import { messageOf } from '../errors/usage-message.js';

describe('--fault', () => {
  test('reads probabilities as numbers and as percentages', () => {
    expect(parseFaults(['loss=1e-3,duplicate=0.1%', 'corrupt=.5,icrc=2e-6'])).toEqual({
      loss: 1e-3,
      duplicate: 1e-3,
      corrupt: 0.5,
      icrc: 2e-6,
      delayed: 0,
      delay: 0,
    });
  });

  test('delays by 10 us unless told otherwise', () => {
    expect(parseFaults(['delayed=1e-3'])?.delay).toBe(10_000_000);
    expect(parseFaults(['delayed=1e-3,delay=2us'])?.delay).toBe(2_000_000);
  });

  test('is nothing when not given', () => {
    expect(parseFaults([])).toBeNull();
  });

  test.each([
    [['loss'], 'expected name=value'],
    [['=1'], 'expected name=value'],
    [['loss=-1e-3'], 'expected a probability'],
    [['loss=101%'], 'expected a probability'],
    [['loss=often'], 'expected a probability'],
    [['loss=0.1', 'loss=0.2'], 'loss is given twice'],
    [['delay=5us'], 'delay needs delayed'],
    [['delayed=1,delay=5'], 'expected a time'],
    [['delayed=1,delay=2s'], 'at most 1s'],
    [['los=1'], 'did you mean loss?'],
    [['toString=1'], 'unknown fault'],
  ])('%j is refused', (specs, message) => {
    expect(messageOf(() => parseFaults(specs))).toContain(message);
  });
});
