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
      'test/node/{spec,program}/**/*.test.ts',
      'test/node/model/**/*.test.ts',
      'test/coordinator/{options,plan,profiles}/**/*.test.ts',
    ],
    // A second or more each: whole hosts under load, peers that do what they like, bytes of any kind, children.
    exclude: [
      'test/coordinator/profiles/profile-{calibration,file}.test.ts',
      'test/node/model/kernel/**',
      'test/node/model/**/hostile-*.test.ts',
      'test/node/model/fabric/switch-line.test.ts',
      'test/node/model/memory/{memory,paging-model}.test.ts',
      'test/node/model/net/{structures,tcp-*,tshark-*}.test.ts',
      'test/node/model/nic/{flow-table,iommu}.test.ts',
      'test/node/model/rdma/{bus-addresses,iommu-path,memory-region,raw-queue-pair}.test.ts',
      'test/node/program/bypass/**',
      'test/node/program/mailbox/pipe-mailbox.test.ts',
      'test/wire/{checksums,frame,pcap,pcapng,tcp-options,tshark}.test.ts',
      'test/wire/control/messages.test.ts',
    ],
    testTimeout: 60_000,
    isolate: false,
    maxWorkers: Math.max(2, availableParallelism()),
    reporters: [new CountReporter()],
  },
});
