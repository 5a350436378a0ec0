/** `--attach URL`: what the options say of it, and the cluster that answers. */
import { AttachedCluster } from './attached-cluster.js';
import type { ClusterConfig } from '../plan/cluster-config.js';
import { CoordinatorLine } from './coordinator-line.js';
import type { CredentialOptions } from './credentials.js';
import { watchInterruptions } from '../terminal/interruption.js';
import { readCoordinatorUrl } from '../options/network-address.js';
import { readWait } from '../options/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import { UsageError } from '../errors/usage-error.js';

export interface AttachOptions extends CredentialOptions {
  readonly attach?: string | undefined;
  readonly wait?: string | undefined;
  readonly quiet?: boolean | undefined;
}

/** Where to attach to, and how long to try, in ms. */
export interface Attachment {
  readonly url: URL;
  readonly wait: number;
}

export interface Attached {
  readonly url: string;
  readonly config: ClusterConfig;
  readonly cluster: AttachedCluster;
}

const DEFAULT_WAIT = '10s';
/** They mean something only together with `--attach`. */
const COMPANIONS = ['wait', 'token-file', 'tls-cert', 'tls-key', 'tls-ca'] as const;

/** Undefined without `--attach`. Throws a UsageError. */
export function readAttachment(options: AttachOptions): Attachment | undefined {
  const { attach, wait = DEFAULT_WAIT } = options;
  if (attach === undefined) {
    const alone = COMPANIONS.find((name) => options[name] !== undefined);
    if (alone !== undefined) throw new UsageError(`--${alone}: needs --attach`);
    return undefined;
  }
  return { url: readCoordinatorUrl('--attach', attach), wait: readWait('--wait', wait) };
}

/**
 * Dials the coordinator until it answers; undefined if the user interrupted. Rejects as {@link CoordinatorLine.open}.
 */
export async function openAttached(
  { url, wait }: Attachment,
  options: AttachOptions,
  what: string,
  terminal: Terminal,
): Promise<Attached | undefined> {
  const giveUp = new AbortController();
  const interruption = watchInterruptions(() => undefined);
  interruption.arrived.catch(() => giveUp.abort());
  try {
    const line = await CoordinatorLine.open({
      url,
      credentials: options,
      wait,
      what,
      signal: giveUp.signal,
      tell: (text) => {
        if (options.quiet !== true) terminal.error(text);
      },
    });
    if (line === undefined) {
      terminal.error('interrupted');
      return undefined;
    }
    if (line.mismatch !== undefined) terminal.error(`pinwire: ${line.mismatch}`);
    return { url: line.url, config: line.cluster, cluster: new AttachedCluster(line) };
  } finally {
    interruption.dispose();
  }
}
