/**
 * Why the NIC's receive side did not take a setting: the errno that the kernel's caller gets, and what ethtool would
 * print.
 */
export interface Refusal {
  readonly errno: 'EINVAL' | 'EEXIST' | 'ENOENT' | 'ENOSPC';
  readonly message: string;
}

export const refuse = (errno: Refusal['errno'], message: string): Refusal => ({ errno, message });
