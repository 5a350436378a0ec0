/** The known part of a run that ended early, as a coordinator sends it to its client. */
import { expect, test } from 'vitest';
import { parseKnownRun, type KnownRun } from '../../../coordinator/run/unfinished-run.js';
import { MAX_HOSTS } from '../../../units/elements.js';
import { packControl, unpackControl } from '../../../wire/control/codec.js';

const KNOWN: KnownRun = {
  virtual_ns: 1234.5,
  events: 7,
  packets: 5,
  waiting: ['host1 core 0 has waited to hear from rank 0'],
  counters: { host0: { tx_packets: 5 }, host1: {} },
  queue_pairs: [{ host: 1, number: 17, state: 'RTS', retransmitted: 3, timeouts: 1 }],
};

test('arrives as it was sent', () => {
  expect(parseKnownRun(unpackControl(packControl(KNOWN)))).toEqual(KNOWN);
});

test.each<[string, object, string]>([
  ['a negative time', { virtual_ns: -1 }, 'virtual_ns'],
  ['a text for a count', { counters: { host0: { tx_packets: 'many' } } }, 'counters'],
  ['a list for counters', { counters: [1] }, 'counters'],
  ['a list for a host’s counts', { counters: { host0: [1] } }, 'counters'],
  ['a name without end', { counters: { host0: { ['x'.repeat(2000)]: 1 } } }, 'counters'],
  [
    'more hosts than there can be',
    {
      counters: Object.fromEntries(Array.from({ length: MAX_HOSTS + 1 }, (_, i) => [`h${i}`, {}])),
    },
    'counters',
  ],
  ['a host that no cluster has', { queue_pairs: [{ ...KNOWN.queue_pairs[0], host: 1e6 }] }, 'host'],
  ['no waits', { waiting: undefined }, 'waiting'],
])('is refused with %s', (_, wrong, told) => {
  const found = parseKnownRun({ ...KNOWN, ...wrong });
  expect(found).toEqual(expect.stringContaining(told));
});

test('shows no control characters of a program’s text', () => {
  const found = parseKnownRun({ ...KNOWN, waiting: ['\u001b[2Jgone'] }) as KnownRun;
  expect(found.waiting[0]).not.toContain('\u001b');
});
