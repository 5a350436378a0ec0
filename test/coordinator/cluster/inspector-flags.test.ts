import { describe, expect, it } from 'vitest';
import { inspectorFlags } from '../../../coordinator/cluster/inspector-flags.js';

describe('the inspectors of host processes', () => {
  it('are there only if the command has one', () => {
    expect(inspectorFlags([], 9229)).toEqual([]);
    expect(inspectorFlags(['--enable-source-maps', '--inspect-port=9000'], 9229)).toEqual([]);
  });

  it('take the ports behind its own, one after another', () => {
    expect(inspectorFlags(['--inspect-brk'], 9229)).toEqual(['--inspect-brk=127.0.0.1:9230']);
    expect(inspectorFlags(['--no-warnings', '--inspect=9500'], 9500)).toEqual([
      '--inspect=127.0.0.1:9502',
    ]);
  });

  it('are where it is: its address, and any free port if it has one', () => {
    expect(inspectorFlags(['--inspect-wait=0.0.0.0:9229'], 9229)[0]).toMatch(
      /^--inspect-wait=0\.0\.0\.0:92\d\d$/,
    );
    expect(inspectorFlags(['--inspect-brk=0'], 40_001)).toEqual(['--inspect-brk=127.0.0.1:0']);
  });
});
