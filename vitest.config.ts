/**
 * The projects of the tests. `unit` runs on the sources; `process` starts real processes from the build in `dist/`, and
 * `timed` does so where the time is what is tested; `machines` does so on machines of network namespaces and on the
 * image's own file system, which takes minutes, root and Linux.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Half of these files' time is waiting; with one of them at a time, a core would be idle. */
const SIDE_BY_SIDE = Math.max(2, Math.min(4, availableParallelism()));
const TIMED = ['cost', 'embedded', 'supervision'].map((name) => `test/process/${name}.test.ts`);
const MACHINES = ['test/process/network/**/*.test.ts', 'test/process/image/**/*.test.ts'];
const PROCESSES = {
  globalSetup: ['test/process/build-is-there.ts'],
  testTimeout: 120_000,
  hookTimeout: 60_000,
  // The build is run as it is.
  server: { deps: { external: [/\/dist\//] } },
};

/** These take longest, whatever their size: none of them must start last, with nothing to run beside it. */
const SLOWEST =
  /\/(?:attach|attached-clients|determinism|join|run|programs|rss|traffic|physics|paging|verification|allreduce)\.test\.ts$/;

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): boolean => SLOWEST.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

/** An order that the command line asks for comes first. */
const SEQUENCE = process.argv.some((each) => each.startsWith('--sequence'))
  ? {}
  : { sequencer: SlowestFirst };

export default defineConfig({
  test: {
    sequence: SEQUENCE,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/process/**'],
          testTimeout: 60_000,
          // A worker loads and warms up the sources once, and not for each of two hundred files.
          isolate: false,
          maxWorkers: SIDE_BY_SIDE,
        },
      },
      {
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          exclude: [...MACHINES, ...TIMED],
          maxWorkers: SIDE_BY_SIDE,
          sequence: { groupOrder: 1 },
          ...PROCESSES,
        },
      },
      // One file at a time, after all others.
      { test: { name: 'timed', include: TIMED, fileParallelism: false, ...PROCESSES } },
      { test: { name: 'machines', include: MACHINES, fileParallelism: false, ...PROCESSES } },
    ],
  },
});
