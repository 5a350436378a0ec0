/** The errno names that Linux's sockets give. */
export type NetErrno =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EHOSTUNREACH'
  | 'EINVAL'
  | 'EMSGSIZE'
  | 'ENOBUFS'
  | 'ENOTCONN'
  | 'EPIPE'
  | 'ETIMEDOUT';
