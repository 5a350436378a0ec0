import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './compose-file.js';
import { manifestErrors } from './kubernetes-schema.js';
import {
  DIRECTORY,
  FILES,
  MANIFESTS,
  manifestsIn,
  named,
  podOf,
  textOf,
  WORKLOADS,
} from './manifests.js';

describe.each(FILES)('deploy/k8s/%s', (file) => {
  it('is what the schemas of the Kubernetes API describe', async () => {
    for (const manifest of manifestsIn(textOf(file))) {
      expect(await manifestErrors(manifest)).toEqual([]);
    }
  });
});

describe('the schemas refuse', () => {
  test.each([
    ['a field that there is not', 'containerPort:', 'containrPort:'],
    ['a field in the wrong place', 'podManagementPolicy: Parallel', 'restartPolicy: Never'],
    [
      'a number that is a word',
      'terminationGracePeriodSeconds: 120',
      'terminationGracePeriodSeconds: long',
    ],
    ['a probe without its port', 'tcpSocket: { port: metrics }', 'tcpSocket: {}'],
    ['an API that has no such kind', 'kind: StatefulSet', 'kind: StatefulThing'],
  ])('%s', async (_what, right, wrong) => {
    expect(textOf('host.yaml')).toContain(right);
    const manifests = manifestsIn(textOf('host.yaml').replaceAll(right, wrong));
    const errors = await Promise.all(
      manifests.map((each) => manifestErrors(each).catch((error: unknown) => [String(error)])),
    );
    expect(errors.flat()).not.toEqual([]);
  });
});

describe('the pods', () => {
  it.each(WORKLOADS)('$metadata.name meet the restricted standard', (workload) => {
    const pod = podOf(workload);
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it.each(WORKLOADS)(
    '$metadata.name get no variable PINWIRE_... of a service, which would read as an option',
    (workload) => {
      expect(podOf(workload)['enableServiceLinks']).toBe(false);
    },
  );

  it.each(WORKLOADS)('$metadata.name read the token where it is mounted', (workload) => {
    const { containers, volumes } = podOf(workload);
    const [{ env, volumeMounts }] = containers;
    const file = env.find(({ name }) => name === 'PINWIRE_TOKEN_FILE')!.value!;
    const mount = volumeMounts.find(({ mountPath }) => file === `${mountPath}/token`)!;
    expect(volumes.find(({ name }) => name === mount.name)).toMatchObject({
      secret: { secretName: 'pinwire-token' },
    });
  });
});

describe('names and ports', () => {
  const addresses = (name: string): Record<string, unknown> =>
    named('Service', name)['spec'] as Record<string, unknown>;
  const [host] = podOf(named('StatefulSet', 'pinwire-host')).containers;

  it('lead hosts and client to the coordinator', () => {
    const [coordinator] = podOf(named('Deployment', 'pinwire-coordinator')).containers;
    const listen = coordinator.args[coordinator.args.indexOf('--listen') + 1];
    const port = coordinator.ports![0]!.containerPort;
    expect(listen).toBe(`0.0.0.0:${port}`);
    expect(addresses('pinwire-coordinator')['ports']).toEqual([
      { name: 'pinwire', port, targetPort: 'pinwire' },
    ]);
    const [client] = podOf(named('Job', 'pinwire-client')).containers;
    for (const { args } of [host, client]) {
      expect(args).toContain(`ws://pinwire-coordinator:${port}`);
    }
  });

  it('lead hosts to one another: each advertises its pod’s name in the headless service', () => {
    const { serviceName } = named('StatefulSet', 'pinwire-host')['spec'] as { serviceName: string };
    const port = host.ports!.find(({ name }) => name === 'fabric')!.containerPort;
    expect(addresses(serviceName)).toMatchObject({ clusterIP: 'None' });
    expect(host.args).toContain(`--listen=0.0.0.0:${port}`);
    expect(host.args).toContain(`--advertise=$(POD_NAME).${serviceName}:${port}`);
  });

  it('are there before anything is ready, which needs them to become so', () => {
    for (const name of ['pinwire-coordinator', 'pinwire-host']) {
      expect(addresses(name)).toMatchObject({ publishNotReadyAddresses: true });
    }
  });
});

describe('the kustomization', () => {
  const installed = spawnSync('kubectl', ['kustomize', '--help']).status === 0;
  const MISSING = 'kubectl is not installed';
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'pinwire-k8s-'));
    cpSync(DIRECTORY, copy, { recursive: true });
    rmSync(join(copy, 'token'), { force: true });
  });
  afterAll(() => {
    rmSync(copy, { recursive: true });
  });
  const build = (): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('kubectl', ['kustomize', copy], { encoding: 'utf8' });

  it('starts as many hosts as the coordinator waits for', () => {
    const { replicas, configMapGenerator } = parse(textOf('kustomization.yaml')) as {
      replicas: readonly unknown[];
      configMapGenerator: readonly { readonly literals: readonly string[] }[];
    };
    expect(replicas).toEqual([{ name: 'pinwire-host', count: 4 }]);
    expect(configMapGenerator[0]!.literals).toEqual(['PINWIRE_HOSTS=4']);
  });

  it('carries the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { images } = parse(textOf('kustomization.yaml')) as { images: unknown };
    expect(images).toEqual([{ name: 'pinwire', newTag: version }]);
  });

  it('does not build without a token of one’s own', (context) => {
    if (!installed) context.skip(MISSING);
    rmSync(join(copy, 'token'), { force: true });
    const { status, stderr } = build();
    expect(status).not.toBe(0);
    expect(stderr).toContain('token');
  });

  it('builds with one, into what the schemas describe', async (context) => {
    if (!installed) context.skip(MISSING);
    writeFileSync(join(copy, 'token'), 'not a secret\n');
    const { status, stdout, stderr } = build();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const built = manifestsIn(stdout);
    expect(built.map(({ kind }) => kind).toSorted()).toEqual(
      [...MANIFESTS.map(({ kind }) => kind), 'ConfigMap', 'Secret'].toSorted(),
    );
    for (const manifest of built) expect(await manifestErrors(manifest)).toEqual([]);
    const hosts = built.find(({ kind }) => kind === 'StatefulSet')!;
    expect(hosts['spec']).toMatchObject({ replicas: 4 });
    // The secret's name has its content's hash; the pods that mount it follow.
    const secret = built.find(({ kind }) => kind === 'Secret')!.metadata.name;
    const mounting = built.filter(({ kind }) =>
      ['Deployment', 'StatefulSet', 'Job'].includes(kind),
    );
    expect(mounting).toHaveLength(3);
    for (const workload of mounting) expect(JSON.stringify(workload)).toContain(`"${secret}"`);
  });

  it('is not built with a mistake in it', (context) => {
    if (!installed) context.skip(MISSING);
    writeFileSync(join(copy, 'token'), 'not a secret\n');
    const right = textOf('kustomization.yaml');
    writeFileSync(
      join(copy, 'kustomization.yaml'),
      right.replace('secretGenerator:', 'secretsGenerator:'),
    );
    expect(build().status).not.toBe(0);
    writeFileSync(join(copy, 'kustomization.yaml'), right);
  });
});
