/** What `runEmbedded` will run, checked whole before anything does. */
import { UsageError } from '../errors/usage-error.js';
import { clusterConfig, hostsAskedFor, type ClusterConfig } from '../plan/cluster-config.js';
import { checkSettings } from '../plan/parameters.js';
import { hostsFor, planWorkload, type PlannedWorkload } from '../plan/work-plan.js';
import {
  checkOptions,
  clusterOptions,
  requestedSettings,
  requestedWorkload,
  type EmbeddedOptions,
} from './embedded-options.js';

export interface EmbeddedPlan {
  readonly config: ClusterConfig;
  readonly planned: PlannedWorkload;
}

/** Rejects with a UsageError for what the command line would refuse. */
export async function planEmbedded(options: EmbeddedOptions): Promise<EmbeddedPlan> {
  checkOptions(options);
  const resolved = await requestedWorkload(options);
  const settings = requestedSettings(options, resolved);
  checkSettings(settings, [resolved]);
  const cluster = clusterOptions(options);
  const config = clusterConfig(cluster, hostsAskedFor(cluster) ?? hostsFor([resolved]));
  const files = new Map(Object.entries(options.inputs ?? {}));
  const planned = planWorkload(resolved, settings, config, files);
  if (options.programs !== undefined) return { config, planned: { ...planned, inputs: files } };
  const taken = new Set(planned.inputs.values());
  for (const [name, bytes] of files) {
    if (taken.has(bytes)) continue;
    throw new UsageError(`inputs.${name}: ${planned.name} has no parameter that names this file`);
  }
  return { config, planned };
}
