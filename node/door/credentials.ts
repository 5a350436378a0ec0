/**
 * What one end of a connection needs to be believed by the other: the cluster's token, and certificates where links are
 * encrypted.
 */

/** PEM texts. A listener needs `cert` and `key`; with `ca` it asks its callers for certificates of that authority. */
export interface TlsMaterial {
  readonly cert?: string;
  readonly key?: string;
  /** Whom to believe; the system's authorities where it is missing. */
  readonly ca?: string;
}

export interface Credentials {
  /** The cluster's secret. It never travels. */
  readonly token: string;
  /** Undefined: the links are not encrypted. */
  readonly tls?: TlsMaterial | undefined;
}
