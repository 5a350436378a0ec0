import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../../coordinator/version.js';
import { readCompose } from '../../deploy/compose-file.js';
import { orSkipped } from '../network/namespaces.js';
import { Image, whyNoImage } from './image.js';

const WHY_NOT = whyNoImage();
const { client } = readCompose('docker-compose.yml').services as Record<string, never>;

describe.skipIf(WHY_NOT !== '')(orSkipped('an image built without an engine', WHY_NOT), () => {
  let image: Image;
  beforeAll(() => {
    image = new Image();
  }, 240_000);
  afterAll(() => {
    image.remove();
  });

  test('is the program, started as node and by nobody special', async () => {
    const version = await image.start(client!, { args: ['--version'] }).ended;
    expect(version).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
    const list = await image.start(client!, { args: ['list'] }).ended;
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toContain('hpc/allreduce');
  });

  test('holds what the program needs, and nothing it was built with', () => {
    const modules = image.inside('cd /pinwire/node_modules && ls -d */ @*/* 2>/dev/null');
    expect(modules).toContain('ws/');
    for (const absent of ['typescript', 'vitest', 'eslint', 'kubernetes-models']) {
      expect(modules).not.toContain(`${absent}/`);
    }
    expect(image.inside('cd /pinwire && ls').trim().split('\n')).toEqual([
      'LICENSE',
      'bin',
      'deploy',
      'dist',
      'node_modules',
      'package.json',
      'profiles',
    ]);
    expect(image.inside('find /pinwire ! -user 0')).toBe('');
  });

  test('runs a cluster of processes and leaves its report on the volume', async () => {
    const args = ['run', 'micro/write-lat', '--hosts', '2', '--set', 'iterations=10'];
    const { code, stderr, stdout } = await image.start(client!, { args }).ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('results/latest/report.html');
  });
});
