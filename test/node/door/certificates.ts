/** Certificates for tests, made by `openssl` when they are needed and gone with the test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsMaterial } from '../../../node/door/credentials.js';

export const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A certificate authority in a directory of its own. */
export class Authority {
  readonly certificate: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'pinwire-ca-'));
  private issued = 0;

  constructor(name: string) {
    this.key('ca');
    this.openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-subj',
      `/CN=${name}`,
      '-out',
      'ca.crt',
    );
    this.certificate = this.read('ca.crt');
  }

  /** A certificate for these names (`IP:127.0.0.1`), with its key and this authority. */
  issue(names: string, days = 2): Required<TlsMaterial> {
    const name = `leaf${this.issued++}`;
    const [request, certificate] = [`${name}.csr`, `${name}.crt`];
    this.key(name);
    writeFileSync(join(this.directory, `${name}.ext`), `subjectAltName=${names}\n`);
    this.openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', request);
    this.openssl(
      ...['x509', '-req', '-in', request, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', String(days), '-extfile', `${name}.ext`, '-out', certificate],
    );
    return { cert: this.read(certificate), key: this.read(`${name}.key`), ca: this.certificate };
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true });
  }

  private key(name: string): void {
    this.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  }

  private read(file: string): string {
    return readFileSync(join(this.directory, file), 'utf8');
  }

  private openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.directory, stdio: 'pipe' });
  }
}
