import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  credentialsFor,
  credentialsOfHosts,
  ownCredentials,
} from '../../../coordinator/cluster/credentials.js';
import { tokenFileOf } from '../../../coordinator/cluster/run-directory.js';
import { FileNotThere } from '../../../coordinator/cluster/secret-file.js';
import { Authority, hasOpenssl } from '../../node/door/certificates.js';
import { messageOf } from '../errors/usage-message.js';

const TOKEN = 'a-token-of-two-dozen-letters';
const FAR = new URL('ws://far.example.com:7600');
const HERE = new URL('ws://127.0.0.1:7611');

let directory: string;
let warnings: string[];
const warn = (line: string): void => void warnings.push(line);

beforeEach(() => {
  warnings = [];
  directory = mkdtempSync(join(tmpdir(), 'pinwire-credentials-'));
  vi.stubEnv('XDG_RUNTIME_DIR', directory);
  vi.stubEnv('PINWIRE_TOKEN', undefined);
  vi.stubEnv('PINWIRE_TOKEN_FILE', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('a token', () => {
  it('is read from the option’s file, else the variable’s, else the variable', () => {
    vi.stubEnv('PINWIRE_TOKEN', `${TOKEN}-3`);
    expect(credentialsFor(FAR, {}, warn).token).toBe(`${TOKEN}-3`);
    vi.stubEnv('PINWIRE_TOKEN_FILE', file('two', `${TOKEN}-2\n`));
    expect(credentialsFor(FAR, {}, warn).token).toBe(`${TOKEN}-2`);
    const options = { 'token-file': file('one', ` ${TOKEN}-1\n`) };
    expect(credentialsFor(FAR, options, warn).token).toBe(`${TOKEN}-1`);
    expect(ownCredentials(options, warn).token).toBe(`${TOKEN}-1`);
    expect(warnings).toEqual([]);
  });

  it('of a coordinator on this machine is where it left it, when it has', () => {
    expect(() => credentialsFor(HERE, {}, warn)).toThrow(FileNotThere);
    const path = tokenFileOf(7611);
    writeFileSync(path, `${TOKEN}\n`, { mode: 0o600 });
    expect(credentialsFor(HERE, {}, warn).token).toBe(TOKEN);
    expect(messageOf(() => credentialsFor(FAR, {}, warn))).toMatch(/^no token for far.example.com/);
  });

  it('is made by who listens, if none is given: 256 random bits', () => {
    const [one, other] = [ownCredentials({}, warn), ownCredentials({}, warn)];
    expect(one.token).toMatch(/^[0-9a-f]{64}$/);
    expect(one.token).not.toBe(other.token);
    expect(one.tls).toBeUndefined();
  });

  it('whose file is still to come is waited for, and found', () => {
    const path = join(directory, 'later');
    const read = (): string => credentialsFor(FAR, { 'token-file': path }, warn).token;
    expect(read).toThrow(`--token-file ${path}: no such file`);
    expect(read).toThrow(FileNotThere);
    file('later', TOKEN);
    expect(read()).toBe(TOKEN);
  });

  it.each([
    ['', 'holds no token'],
    [' \n', 'holds no token'],
    ['too-short-a-one', 'at least 16 characters'],
    ['a token with blanks in it', 'ASCII without blanks'],
    ['zwölf-und-noch-einmal-zwölf', 'must be ASCII'],
    ['x'.repeat(1025), 'at most 1024 characters'],
  ])('%j is refused, and not repeated', (token, reason) => {
    const message = messageOf(() => ownCredentials({ 'token-file': file('bad', token) }, warn));
    expect(message).toContain(`--token-file ${join(directory, 'bad')}: `);
    expect(message).toContain(reason);
    if (token.trim() !== '') expect(message).not.toContain(token);
  });

  it('that others may read is reported once, that others may write is refused', () => {
    const path = file('open', TOKEN, 0o644);
    for (let i = 0; i < 3; i++) credentialsFor(FAR, { 'token-file': path }, warn);
    expect(warnings).toEqual([
      `pinwire: warning: --token-file ${path}: others may read it (chmod 600 ${path})`,
    ]);
    chmodSync(path, 0o620);
    expect(messageOf(() => credentialsFor(FAR, { 'token-file': path }, warn))).toContain(
      'others may write it',
    );
    expect(messageOf(() => credentialsFor(FAR, { 'token-file': directory }, warn))).toContain(
      'EISDIR',
    );
  });
});

describe.skipIf(!hasOpenssl)('certificates (needs openssl)', () => {
  let authority: Authority;
  beforeAll(() => {
    authority = new Authority('ours');
  });
  afterAll(() => authority.dispose());
  const SECURE = new URL('wss://127.0.0.1:7611');

  /** Files of a new certificate, by option. */
  function files(days = 2): Record<'tls-cert' | 'tls-key' | 'tls-ca', string> {
    const { cert, key, ca } = authority.issue('IP:127.0.0.1', days);
    return {
      'tls-cert': file('cert.pem', cert),
      'tls-key': file('key.pem', key),
      'tls-ca': file('ca.pem', ca),
    };
  }
  const own = (options: object): string =>
    messageOf(() => ownCredentials({ 'token-file': file('token', TOKEN), ...options }, warn));

  it('are read whole, with or without an authority', () => {
    const { 'tls-ca': ca, ...pair } = files();
    expect(ownCredentials(pair, warn).tls).toEqual({
      cert: expect.stringContaining('BEGIN CERT') as string,
      key: expect.stringContaining('BEGIN EC') as string,
    });
    expect(ownCredentials({ ...pair, 'tls-ca': ca }, warn).tls?.ca).toMatch(/BEGIN CERT/);
    vi.stubEnv('PINWIRE_TOKEN', TOKEN);
    expect(credentialsFor(SECURE, { 'tls-ca': ca }, warn).tls).toEqual({
      ca: authority.certificate,
    });
    expect(credentialsFor(SECURE, {}, warn).tls).toBeUndefined();
  });

  it('are refused where they do not go together', () => {
    const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca } = files();
    expect(own({ 'tls-cert': cert })).toBe('--tls-cert needs --tls-key');
    expect(own({ 'tls-key': key })).toBe('--tls-key needs --tls-cert');
    expect(own({ 'tls-ca': ca })).toContain('--tls-ca: a listener also needs --tls-cert');
    const other = file('other.pem', authority.issue('DNS:other').key);
    expect(own({ 'tls-cert': cert, 'tls-key': other })).toBe(
      `--tls-key ${other}: does not match --tls-cert ${cert}`,
    );
    vi.stubEnv('PINWIRE_TOKEN', TOKEN);
    expect(messageOf(() => credentialsFor(HERE, { 'tls-ca': ca }, warn))).toBe(
      'ws://127.0.0.1:7611 is not encrypted: the --tls-... options need a wss:// URL',
    );
  });

  it('are refused where they are more than a machine can tell its host processes', () => {
    vi.stubEnv('PINWIRE_TOKEN', TOKEN);
    const system = authority.certificate.repeat(Math.ceil(220_000 / authority.certificate.length));
    const options = { 'tls-ca': file('system.pem', system) };
    expect(credentialsFor(SECURE, options, warn).tls?.ca).toBe(system);
    expect(messageOf(() => credentialsOfHosts(SECURE, options, warn))).toMatch(
      /exceed the 98304 that a host process accepts; --tls-ca needs only the cluster's own authority$/,
    );
  });

  it('are refused where they are none', () => {
    const { 'tls-cert': cert, 'tls-key': key } = files();
    const noise = file('noise', 'certainly not');
    const broken = file('broken', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    expect(own({ 'tls-cert': noise, 'tls-key': key })).toContain('holds no PEM certificate');
    expect(own({ 'tls-cert': broken, 'tls-key': key })).toContain('certificate 1 is broken');
    expect(own({ 'tls-cert': cert, 'tls-key': noise })).toContain('holds no PEM private key');
    expect(own({ 'tls-cert': cert, 'tls-key': cert })).toContain('holds no PEM private key');
    expect(own({ 'tls-cert': cert, 'tls-key': key, 'tls-ca': noise })).toContain('--tls-ca');
    const locked = join(directory, 'locked.pem');
    const encrypt = ['pkcs8', '-topk8', '-in', key, '-out', locked, '-passout', 'pass:secret'];
    execFileSync('openssl', encrypt, { stdio: 'pipe' });
    chmodSync(locked, 0o600);
    expect(own({ 'tls-cert': cert, 'tls-key': locked })).toContain('is protected by a passphrase');
    const { 'tls-cert': old, 'tls-key': oldKey } = files(-1);
    expect(own({ 'tls-cert': old, 'tls-key': oldKey })).toContain('expired on');
  });
});
