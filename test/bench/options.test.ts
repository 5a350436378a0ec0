import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/options.js';
import { WORKS } from '../../bench/peers/work.js';

describe('the options of a bench', () => {
  it('ask for rates unless they ask for peers', () => {
    expect(readOptions([])).toEqual({ kind: 'rates' });
    expect(readOptions(['--peers'])).toEqual({
      ...{ kind: 'peers', json: undefined },
      ...{ rounds: 5, works: WORKS },
    });
  });

  it('choose works by name and by peer, each once', () => {
    const options = readOptions(['--peers', '--only', 'SimGrid', '--only', 'ping-pong-64B']);
    expect(options.kind === 'peers' && options.works).toEqual(
      WORKS.filter(({ program }) => program.peer.name === 'SimGrid'),
    );
  });

  it.each([
    [['--peerz'], /unknown option '--peerz'; did you mean --peers\?/],
    [['more'], /unexpected argument 'more'/],
    [['--peers', '--json'], /'--json <value>' argument missing/],
    [['--json', 'x.json'], /--json applies only to --peers/],
    [['--peers', '--rounds', '0'], /--rounds: must be between/],
    [['--peers', '--only', 'pingpong'], /--only: expected .*, not "pingpong"/],
  ])('refuse %j in one line', (argv, message) => {
    expect(() => readOptions(argv)).toThrow(message);
    expect(() => readOptions(argv)).toThrow(/^.*$/);
  });
});
