/** The cluster's token and certificates, as options, environment and the user's run directory give them. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Credentials } from '../node/link/credentials.js';
import { isLoopback, portOf } from './network-address.js';
import { tokenFileOf } from './run-directory.js';
import { UsageError } from './usage-error.js';

export interface CredentialOptions {
  readonly 'token-file'?: string | undefined;
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
  readonly 'tls-ca'?: string | undefined;
}

/** Of a cluster that is about to listen: a token is made if none is given. */
export function ownCredentials(options: CredentialOptions): Credentials {
  const token = givenToken(options) ?? randomBytes(32).toString('hex');
  return { token };
}

/**
 * For dialling the coordinator at `url`. Read it again for each attempt: the coordinator may have to write the token's
 * file first. Throws a UsageError where there is no token.
 */
export function credentialsFor(url: URL, options: CredentialOptions): Credentials {
  const given = givenToken(options);
  if (given !== undefined) return { token: given };
  if (isLoopback(url.hostname)) {
    const file = tokenFileOf(portOf(url));
    try {
      return { token: readFileSync(file, 'utf8').trim() };
    } catch {
      throw new UsageError(
        `no token: there is no ${file}, and neither --token-file nor PINWIRE_TOKEN`,
      );
    }
  }
  throw new UsageError(`no token for ${url.host}: give --token-file or PINWIRE_TOKEN`);
}

function givenToken(options: CredentialOptions): string | undefined {
  const file = options['token-file'] ?? process.env['PINWIRE_TOKEN_FILE'];
  if (file === undefined) return process.env['PINWIRE_TOKEN'];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--token-file ${file}: ${(error as Error).message}`);
  }
}
