/**
 * Where a ws:// or wss:// URL leads: a URL hides a port that is its scheme's own, and keeps the brackets of an address.
 */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export function endpointOf({ protocol, hostname, port }: URL): Endpoint {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port) };
}
