/** The errno names that libibverbs and the kernel give; `code` as Node names them. */
export type Errno =
  | 'EINVAL'
  | 'ENOMEM'
  | 'EFAULT'
  | 'EBUSY'
  | 'EOPNOTSUPP'
  | 'ENOENT'
  | 'EAGAIN'
  | 'EPERM'
  | 'ESRCH'
  | SocketErrno;

/** Those of the socket calls, with Linux's numbers: a system call answers with their negatives. */
export const SOCKET_ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  EPIPE: 32,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;
export type SocketErrno = keyof typeof SOCKET_ERRNO;

const NAMES = new Map(Object.entries(SOCKET_ERRNO).map(([name, number]) => [number, name]));

/** The name of an errno by its number. */
export const errnoName = (number: number): Errno =>
  (NAMES.get(number as never) ?? 'EINVAL') as Errno;

export class VerbsError extends Error {
  readonly code: Errno;
  /** In a list of requests: the first that was not posted (bad_wr). */
  readonly index: number | undefined;

  constructor(code: Errno, message: string, index?: number) {
    super(`${code}: ${message}`);
    this.name = 'VerbsError';
    this.code = code;
    this.index = index;
  }
}
