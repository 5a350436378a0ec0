/** MAC, IPv4 and IPv6 addresses, and the GIDs that RoCEv2 makes of them (IPv4-mapped IPv6, RFC 4291 2.5.5.2). */

/** The MAC of a host's port: locally administered, from configuration order alone. */
export const hostMac = (host: number): Uint8Array =>
  Uint8Array.of(0x02, 0x00, 0x00, 0x00, (host >>> 8) & 0xff, host & 0xff);
/** The MAC of virtual machine `vm` of a host: the host's, with the machine's number from 1 in its fourth byte. */
export const vmMac = (host: number, vm: number): Uint8Array =>
  Uint8Array.of(0x02, 0x00, 0x00, vm + 1, (host >>> 8) & 0xff, host & 0xff);
/** 10.0.x.y with host 0 at 10.0.0.1. */
export const hostIpv4 = (host: number): Uint8Array =>
  Uint8Array.of(10, (host + 1) >>> 16, ((host + 1) >>> 8) & 0xff, (host + 1) & 0xff);

/** The same as 32 bits, the first byte highest. */
export const hostIpv4Number = (host: number): number =>
  ((10 << 24) | ((host + 1) & 0xffffff)) >>> 0;

/** 10.(16 + n).x.y: virtual machine n of the host that is 10.0.x.y. */
export const vmIpv4 = (host: number, vm: number): Uint8Array =>
  Uint8Array.of(10, 16 + vm, ((host + 1) >>> 8) & 0xff, (host + 1) & 0xff);

export const formatMac = (bytes: ArrayLike<number>): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');

export const formatIpv4 = (bytes: ArrayLike<number>): string => Array.from(bytes).join('.');

/** RFC 5952: lower case, the longest run of zero groups folded. */
export function formatIpv6(bytes: ArrayLike<number>): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The GID of an IPv4 address, ::ffff:a.b.c.d, as 16 bytes. */
export function ipv4Gid(ipv4: ArrayLike<number>): Uint8Array {
  const gid = new Uint8Array(16);
  gid.fill(0xff, 10, 12);
  gid.set(Array.from(ipv4), 12);
  return gid;
}
