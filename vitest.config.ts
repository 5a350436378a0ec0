import { defineConfig } from 'vitest/config';

/**
 * `unit` runs on the sources; `process` starts real processes from the build in `dist/`; `machines` does so on machines of
 * network namespaces and on the image's own file system, which takes minutes, root and Linux.
 */
const MACHINES = ['test/process/network/**/*.test.ts', 'test/process/image/**/*.test.ts'];
const PROCESSES = {
  globalSetup: ['test/process/build-is-there.ts'],
  testTimeout: 120_000,
  fileParallelism: false,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/process/**'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          exclude: MACHINES,
          ...PROCESSES,
        },
      },
      {
        test: {
          name: 'machines',
          include: MACHINES,
          ...PROCESSES,
        },
      },
    ],
  },
});
