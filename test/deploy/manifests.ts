/** The manifests of deploy/k8s as the tests read them, and their pods as services, for what both have in common. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT, type Service } from './compose-file.js';
import type { Manifest } from './kubernetes-schema.js';

export const DIRECTORY = join(ROOT, 'deploy/k8s');
export const FILES = readdirSync(DIRECTORY).filter(
  (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
);

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: unknown;
}

interface PodSpec {
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly [source: string]: unknown }[];
  readonly [field: string]: unknown;
}

interface Workload {
  readonly template: { readonly spec: PodSpec };
}

export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

export const textOf = (file: string): string => readFileSync(join(DIRECTORY, file), 'utf8');

export const MANIFESTS: readonly Manifest[] = FILES.flatMap((file) => manifestsIn(textOf(file)));

export const named = (kind: string, name: string): Manifest =>
  MANIFESTS.find((each) => each.kind === kind && each.metadata.name === name)!;

export const podOf = ({ spec }: Manifest): PodSpec => (spec as Workload).template.spec;

/** Those with pods. */
export const WORKLOADS = [
  named('Deployment', 'pinwire-coordinator'),
  named('StatefulSet', 'pinwire-host'),
  named('Job', 'pinwire-client'),
];

/**
 * What the pod `name` of a workload starts: its arguments filled in, and the secrets that it mounts below /run/secrets.
 */
export function serviceOf(
  workload: Manifest,
  name: string,
  configured: Readonly<Record<string, string>> = {},
): Service {
  const { containers, volumes } = podOf(workload);
  const [{ args, env, volumeMounts }] = containers;
  const given = env.flatMap((each) => (each.value === undefined ? [] : [[each.name, each.value]]));
  const secrets = volumes.flatMap((volume) => {
    if (volume['secret'] === undefined) return [];
    const { mountPath } = volumeMounts.find((mount) => mount.name === volume.name)!;
    return [mountPath.replace('/run/secrets/', '') + '/token'];
  });
  return {
    image: 'pinwire',
    command: args.map((arg) => arg.replaceAll('$(POD_NAME)', name)),
    environment: { ...configured, ...(Object.fromEntries(given) as Record<string, string>) },
    secrets,
  };
}
