/** What the hosts of one process are called, for people. */

/** `host2`, `host0 to host3`. */
export function hostLabel(hosts: readonly number[]): string {
  const first = `host${hosts[0]!}`;
  return hosts.length === 1 ? first : `${first} to host${hosts.at(-1)!}`;
}
