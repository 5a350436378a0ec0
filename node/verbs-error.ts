/** The errno names that libibverbs and the kernel give; `code` as Node names them. */
export type Errno =
  'EINVAL' | 'ENOMEM' | 'EFAULT' | 'EBUSY' | 'EOPNOTSUPP' | 'ENOENT' | 'EAGAIN' | 'EPERM' | 'ESRCH';

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
