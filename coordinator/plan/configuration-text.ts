/** A configuration in one line, its parameters as `--set` has them: `micro/write-bw size=64KiB qps=1`. */
import { formatParameter } from '../options/parameter-value.js';
import type { ParameterKinds, ParamValue, WorkloadResult } from '../report/results.js';

export function configurationText({
  workload,
  params,
  kinds = {},
}: Pick<WorkloadResult, 'workload' | 'params' | 'kinds'>): string {
  const pairs = Object.entries(params).map(
    ([name, value]) => `${name}=${text(value, kinds[name])}`,
  );
  // A user's own names and texts are not to steer a terminal.
  return [workload, ...pairs].join(' ').replace(/\p{Cc}/gu, '?');
}

/** `64 KiB` is `64KiB` on a command line; a text stays what it is. */
const text = (value: ParamValue, kind: ParameterKinds[string]): string =>
  typeof value === 'number' ? formatParameter(value, kind).replaceAll(' ', '') : String(value);
