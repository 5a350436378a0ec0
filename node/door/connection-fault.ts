/** Why a connection could not be had, in the words of who has to put it right. */
import type { TlsMaterial } from './credentials.js';

/** What OpenSSL says of a certificate that it does not trust. */
const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed and not in --tls-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its issuer is not in --tls-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not in --tls-ca',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not in --tls-ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not in --tls-ca',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  INVALID_PURPOSE: 'it is not for a server',
};

const PLAIN = 'ERR_SSL_WRONG_VERSION_NUMBER';

/** What a peer's alert says of ours. */
const ALERTS: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'refused: it asks for a certificate (--tls-cert, --tls-key)',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'refused: it does not trust our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'refused: it does not trust our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'refused: our certificate has expired',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'does not speak TLS 1.3',
  [PLAIN]: 'does not speak TLS (ws:// instead of wss://?)',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS (ws:// instead of wss://?)',
};

/** One line without the address. */
export function faultOf(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { reason = message } = error as { readonly reason?: string };
    return `its certificate is not trusted: ${reason.replace(/\.$/, '')}`;
  }
  // Node's own words, when a handshake ends in the middle.
  if (code === 'ECONNRESET' && message.includes('before secure TLS')) return ALERTS[PLAIN]!;
  const untrusted = UNTRUSTED[code];
  if (untrusted !== undefined) return `its certificate is not trusted: ${untrusted}`;
  return ALERTS[code] ?? message.split('\n', 1)[0]!;
}

/** Whether it will be the same again: waiting does not make a certificate trusted. */
export const isFinalFault = ({ code = '' }: NodeJS.ErrnoException): boolean =>
  code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
  Object.hasOwn(UNTRUSTED, code) ||
  Object.hasOwn(ALERTS, code);

/** A connection that ended without an error, and before a word was said. */
export function hangUpOf(isSecure: boolean, tls: TlsMaterial | undefined): string {
  if (!isSecure) return 'closed the connection (wss:// instead of ws://?)';
  return tls?.cert === undefined
    ? 'closed the connection (does it ask for a certificate: --tls-cert, --tls-key?)'
    : 'closed the connection (does it trust our certificate?)';
}
