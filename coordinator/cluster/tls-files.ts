/** Certificates as the options name them: read and checked against one another before anything starts. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { TlsMaterial } from '../../node/door/credentials.js';
import { readSecret, readTextFile } from './secret-file.js';
import { UsageError } from '../errors/usage-error.js';

export interface TlsOptions {
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
  readonly 'tls-ca'?: string | undefined;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Undefined if no option names a file. Throws a UsageError for what could not work. */
export function readTlsFiles(
  options: TlsOptions,
  warn: (line: string) => void,
): TlsMaterial | undefined {
  const { 'tls-cert': certFile, 'tls-key': keyFile, 'tls-ca': caFile } = options;
  if (certFile !== undefined && keyFile === undefined) {
    throw new UsageError('--tls-cert needs --tls-key');
  }
  if (keyFile !== undefined && certFile === undefined) {
    throw new UsageError('--tls-key needs --tls-cert');
  }
  if (certFile === undefined && caFile === undefined) return undefined;
  const ca = caFile === undefined ? undefined : readTextFile('--tls-ca', caFile);
  if (ca !== undefined) certificatesOf('--tls-ca', caFile!, ca);
  if (certFile === undefined || keyFile === undefined) return { ...(ca !== undefined && { ca }) };

  const cert = readTextFile('--tls-cert', certFile);
  const key = readSecret('--tls-key', keyFile, warn);
  // The first is our own, those that follow lead to an authority.
  const [own] = certificatesOf('--tls-cert', certFile, cert);
  if (!own!.checkPrivateKey(privateKeyOf(keyFile, key))) {
    throw new UsageError(`--tls-key ${keyFile}: does not match --tls-cert ${certFile}`);
  }
  if (Date.parse(own!.validTo) < Date.now()) {
    throw new UsageError(`--tls-cert ${certFile}: expired on ${own!.validTo}`);
  }
  return { cert, key, ...(ca !== undefined && { ca }) };
}

/** At least one. */
function certificatesOf(option: string, file: string, text: string): X509Certificate[] {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new UsageError(`${option} ${file}: holds no PEM certificate`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new UsageError(`${option} ${file}: certificate ${index + 1} is broken`);
    }
  });
}

function privateKeyOf(file: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isLocked = /ENCRYPTED/.test(text) || /passphrase/.test((error as Error).message);
    throw new UsageError(
      `--tls-key ${file}: ${isLocked ? 'is protected by a passphrase' : 'holds no PEM private key'}`,
    );
  }
}
