/** What deploy/ starts beside docker-compose.yml, as containers on a coordinator, two hosts and a client. */
import { readCompose, wordsOf, type Service } from '../../deploy/compose-file.js';
import { named, serviceOf } from '../../deploy/manifests.js';

export interface Deployment {
  readonly title: string;
  readonly leader: Service;
  readonly member: (index: number) => Service;
  readonly client: Service;
  /** Names that the engine would give, by machine. */
  readonly names: Readonly<Record<string, string>>;
  /** Where the coordinator says that every host has joined. */
  readonly ready: string;
  readonly tls: boolean;
}

const WORK = ['run', 'micro/write-lat', '--set', 'iterations=10', '--out', '/tmp/results'];
const HOSTS = '2';
const READY = 'http://127.0.0.1:7600/readyz';

/** The client with a shorter run than the demo suite, and no volume; it attaches as it says. */
function shorter(client: Service): Service {
  const words = wordsOf(client);
  return { ...client, command: [...WORK, ...words.slice(words.indexOf('--attach'))], volumes: [] };
}

function severalMachines(): Deployment {
  const told = {
    PINWIRE_HOSTS: HOSTS,
    PINWIRE_URL: 'wss://coordinator:7600',
    // A number that no container has a name for.
    PINWIRE_USER: '4242',
    ...{ PINWIRE_TLS_CA: 'ca.pem', PINWIRE_TLS_CERT: 'cert.pem', PINWIRE_TLS_KEY: 'key.pem' },
  };
  const { coordinator } = readCompose('deploy/coordinator.yml', told).services;
  const { host } = readCompose('deploy/join.yml', { ...told, PINWIRE_HOSTS: '1' }).services;
  const files = ['ca', 'cert', 'key'].map((each) => `--tls-${each}=/run/secrets/tls_${each}`);
  return {
    title:
      'deploy/coordinator.yml and deploy/join.yml start it, encrypted, by a user without a name',
    leader: coordinator!,
    member: () => host!,
    client: {
      ...host!,
      command: [...WORK, '--attach', told.PINWIRE_URL, '--wait', '1m', ...files],
    },
    names: {},
    ready: 'http://127.0.0.1:7602/readyz',
    tls: true,
  };
}

function swarm(): Deployment {
  const { coordinator, host, client } = readCompose('deploy/stack.yml', {
    PINWIRE_HOSTS: HOSTS,
  }).services;
  // Every service has /tmp in memory anyway.
  const bare = (service: Service): Service => ({ ...service, volumes: [] });
  return {
    title: 'deploy/stack.yml starts it',
    leader: bare(coordinator!),
    member: () => bare(host!),
    client: shorter(client!),
    names: {},
    ready: READY,
    tls: false,
  };
}

function kubernetes(): Deployment {
  const pod = (index: number): string => `pinwire-host-${index}`;
  const configured = { PINWIRE_HOSTS: HOSTS };
  return {
    title: 'deploy/k8s starts it',
    leader: serviceOf(named('Deployment', 'pinwire-coordinator'), 'coordinator', configured),
    member: (index) => serviceOf(named('StatefulSet', 'pinwire-host'), pod(index)),
    client: shorter(serviceOf(named('Job', 'pinwire-client'), 'client')),
    names: {
      coordinator: 'pinwire-coordinator',
      'host-1': `${pod(0)}.pinwire-host`,
      'host-2': `${pod(1)}.pinwire-host`,
    },
    ready: 'http://127.0.0.1:7601/readyz',
    tls: false,
  };
}

export const DEPLOYMENTS: readonly Deployment[] = [severalMachines(), swarm(), kubernetes()];
