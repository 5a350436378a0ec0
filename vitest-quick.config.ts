/**
 * `npm run test:quick`: the rules of the house and the core of the model, on the sources, in seconds. Files whose cases
 * take longer than that are left to `npm test`. The last line is `N passed, N failed`.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { DotReporter, type TestModule } from 'vitest/node';

class CountReporter extends DotReporter {
  override onTestRunEnd(...run: Parameters<DotReporter['onTestRunEnd']>): void {
    super.onTestRunEnd(...run);
    const [modules, unhandled] = run;
    const cases = modules.flatMap((module: TestModule) => [...module.children.allTests()]);
    const count = (state: string): number =>
      cases.filter((each) => each.result().state === state).length;
    // A file that cannot be loaded has no case that fails.
    const broken = modules.filter((module) => module.errors().length > 0).length;
    const failed = count('failed') + broken + unhandled.length;
    console.log(`${count('passed')} passed, ${failed} failed`);
  }
}

export default defineConfig({
  test: {
    include: [
      'test/tidy.test.ts',
      'test/{tidy,units,wire}/**/*.test.ts',
      'test/sim/{chain,scheduler}.test.ts',
      'test/node/{spec,program}/**/*.test.ts',
      'test/node/model/**/*.test.ts',
      'test/coordinator/{options,plan,profiles,report,cli}/**/*.test.ts',
    ],
    isolate: false,
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: [new CountReporter()],
  },
});
