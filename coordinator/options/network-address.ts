/**
 * Addresses as options have them: `[ADDRESS:]PORT` to listen on, `HOST[:PORT]` that others dial, and a coordinator's
 * URL.
 */
import { isIPv6 } from 'node:net';
import { UsageError } from '../errors/usage-error.js';

/** Where a coordinator listens unless told otherwise. */
export const DEFAULT_PORT = 7600;

export interface NetworkAddress {
  /** A name or an IP address, without brackets; empty if none was given. */
  readonly host: string;
  /** 0 if none was given. */
  readonly port: number;
}

/** `7600`, `0.0.0.0:7600`, `[::]:7600`. Port 0 is any free one. */
export function readListenAddress(option: string, text: string): NetworkAddress {
  const match = /^(?:(?<host>.*):)?(?<port>\d+)$/.exec(text.trim());
  const port = Number(match?.groups?.['port'] ?? NaN);
  if (!(port <= 65_535)) {
    throw new UsageError(`${option}: expected [ADDRESS:]PORT such as 0.0.0.0:7600, not "${text}"`);
  }
  return { host: hostOf(option, match?.groups?.['host'] ?? '', text), port };
}

/** `node7`, `node7:7601`, `[2001:db8::7]:7601`. */
export function readAdvertisedAddress(option: string, text: string): NetworkAddress {
  const trimmed = text.trim();
  if (isIPv6(trimmed)) return { host: trimmed, port: 0 };
  const match = /^(?<host>.+?)(?::(?<port>\d+))?$/.exec(trimmed);
  const port = Number(match?.groups?.['port'] ?? 0);
  if (match === null || port > 65_535) {
    throw new UsageError(`${option}: expected HOST[:PORT] such as node7:7601, not "${text}"`);
  }
  return { host: hostOf(option, match.groups!['host']!, text), port };
}

/** `ws://coordinator:7600` or `wss://...`, without path; the port is 7600 if none is given. */
export function readCoordinatorUrl(option: string, text: string): URL {
  const wrong = (why: string): UsageError =>
    new UsageError(`${option}: ${why} (expected ws://HOST:PORT or wss://HOST:PORT)`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong(`"${text}" is not a URL`);
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw wrong(`"${text}" is not ws or wss`);
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    // Not repeated: what it should not hold may be the token.
    throw wrong('a URL never holds the token: use --token-file or PINWIRE_TOKEN');
  }
  if (url.pathname !== '/' || url.hash !== '') throw wrong(`"${text}" has a path`);
  // What ws and wss have as default port is not ours; a URL hides it when it is given.
  if (url.port === '' && !/:\d+\/?$/.test(text)) url.port = String(DEFAULT_PORT);
  return url;
}

/** A coordinator's URL as it is printed and dialled: without a slash at its end. */
export const printUrl = (url: URL): string => `${url.protocol}//${url.host}`;

/** The port that a URL dials. */
export const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port);

/** Listening there is listening on every address of the machine: nobody can dial it. */
export const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || /^127\./.test(name);
}

/** `host:port`, with brackets where they are needed. */
export const hostAndPort = (host: string, port: number): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

function hostOf(option: string, text: string, whole: string): string {
  const host = text.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(host) || /^[A-Za-z0-9_.-]*$/.test(host)) return host;
  throw new UsageError(`${option}: "${text}" in "${whole}" is neither a name nor an address`);
}
