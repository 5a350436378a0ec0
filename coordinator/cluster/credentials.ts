/** The cluster's token and certificates, as options, environment and the user's run directory give them. */
import { randomBytes } from 'node:crypto';
import type { Credentials } from '../../node/door/credentials.js';
import { isLoopback, portOf, printUrl } from '../options/network-address.js';
import { tokenFileOf } from './run-directory.js';
import { FileNotThere, readSecret } from './secret-file.js';
import { readTlsFiles, type TlsOptions } from './tls-files.js';
import { UsageError } from '../errors/usage-error.js';

export interface CredentialOptions extends TlsOptions {
  readonly 'token-file'?: string | undefined;
}

/** Shorter ones can be found by trying: who hears a handshake has all it takes. */
const SHORTEST_TOKEN = 16;
const LONGEST_TOKEN = 1_024;

/** Host processes get certificates in one environment variable; Linux limits it to 128 KiB. */
const MOST_TLS_BYTES = 96 << 10;

type Warn = (line: string) => void;
const toStandardError: Warn = (line) => void process.stderr.write(`${line}\n`);

/** The credentials of a cluster that is about to listen: a token is made if none is given. */
export function ownCredentials(
  options: CredentialOptions,
  warn: Warn = toStandardError,
): Credentials {
  const tls = readTlsFiles(options, warn);
  if (tls !== undefined && tls.cert === undefined) {
    throw new UsageError('--tls-ca: a listener also needs --tls-cert and --tls-key');
  }
  try {
    return { token: givenToken(options, warn) ?? randomBytes(32).toString('hex'), tls };
  } catch (error) {
    // A listener does not wait for its token: nobody else writes it.
    throw error instanceof FileNotThere ? new UsageError(error.message) : error;
  }
}

/**
 * For dialling the coordinator at `url`. Read them again for each attempt: the file of the token may still be to come,
 * which FileNotThere reports. Throws a UsageError if waiting does not help.
 */
export function credentialsFor(
  url: URL,
  options: CredentialOptions,
  warn: Warn = toStandardError,
): Credentials {
  const tls = readTlsFiles(options, warn);
  if (tls !== undefined && url.protocol !== 'wss:') {
    throw new UsageError(
      `${printUrl(url)} is not encrypted: the --tls-... options need a wss:// URL`,
    );
  }
  const given = givenToken(options, warn);
  if (given !== undefined) return { token: given, tls };
  if (!isLoopback(url.hostname)) {
    throw new UsageError(`no token for ${url.host}: give --token-file or PINWIRE_TOKEN`);
  }
  const file = tokenFileOf(portOf(url));
  try {
    return { token: checked(file, readSecret('token', file, warn)), tls };
  } catch (error) {
    if (!(error instanceof FileNotThere)) throw error;
    throw new FileNotThere(
      `no token: ${file} does not exist, and neither --token-file nor PINWIRE_TOKEN is set`,
    );
  }
}

/** As {@link credentialsFor}, of a machine that passes them on to its host processes. */
export function credentialsOfHosts(
  url: URL,
  options: CredentialOptions,
  warn: Warn = toStandardError,
): Credentials {
  const credentials = credentialsFor(url, options, warn);
  const bytes = Buffer.byteLength(JSON.stringify(credentials.tls ?? {}));
  if (bytes > MOST_TLS_BYTES) {
    throw new UsageError(
      `--tls-...: ${bytes} bytes in all exceed the ${MOST_TLS_BYTES} that a host process accepts; --tls-ca needs only the cluster's own authority`,
    );
  }
  return credentials;
}

/** The option speaks before the environment; an empty variable says nothing. */
function givenToken(options: CredentialOptions, warn: Warn): string | undefined {
  for (const [source, file] of [
    ['--token-file', options['token-file']],
    ['PINWIRE_TOKEN_FILE', variable('PINWIRE_TOKEN_FILE')],
  ] as const) {
    if (file !== undefined) return checked(`${source} ${file}`, readSecret(source, file, warn));
  }
  const token = variable('PINWIRE_TOKEN');
  return token === undefined ? undefined : checked('PINWIRE_TOKEN', token);
}

function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** The token in `text`. What is wrong with it is said without it. */
function checked(source: string, text: string): string {
  const token = text.trim();
  if (token === '') throw new UsageError(`${source}: holds no token`);
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError(`${source}: a token must be ASCII without blanks`);
  }
  if (token.length < SHORTEST_TOKEN) {
    throw new UsageError(
      `${source}: a token must have at least ${SHORTEST_TOKEN} characters (openssl rand -hex 32 makes one)`,
    );
  }
  if (token.length > LONGEST_TOKEN) {
    throw new UsageError(`${source}: a token must have at most ${LONGEST_TOKEN} characters`);
  }
  return token;
}
