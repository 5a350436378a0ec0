/**
 * Which packets `pinwire decode` shows: `--qp`, `--host` and `--opcode`. Each may be given several times and then takes
 * any of its values; a packet must pass all that are given.
 */
import { formatIpv4, formatIpv6, formatMac, hostIpv4 } from '../../units/address.js';
import { macBytes } from '../../wire/ethernet.js';
import type { Frame } from '../../wire/frame.js';
import { ipv4Bytes } from '../../wire/ipv4.js';
import { OPCODE_INFO, opcodeName } from '../../wire/opcode-table.js';
import { suggestion } from '../options/option-values.js';
import { UsageError } from '../errors/usage-error.js';

export interface FilterOptions {
  /** Destination queue pairs: `17` or `0x000011`. */
  readonly qp?: readonly string[] | undefined;
  /** Addresses of either end: `host1`, an IPv4, IPv6 or MAC address. */
  readonly host?: readonly string[] | undefined;
  /** `SEND_ONLY`, `RC SEND_ONLY`, `ACK`, `0x11`, in any case. */
  readonly opcode?: readonly string[] | undefined;
}

export type PacketFilter = (frame: Frame) => boolean;

const MOST_QPN = 2 ** 24 - 1;
const NUMBER = /^(?:0x[\da-f]+|\d+)$/i;

/** Throws a UsageError that names the option and what is wrong with its value. */
export function packetFilter({ qp, host, opcode }: FilterOptions): PacketFilter {
  const tests: PacketFilter[] = [];
  if (qp !== undefined) {
    const numbers = new Set(qp.map(readQpn));
    tests.push(({ roce }) => roce !== undefined && numbers.has(roce.bth.destQp));
  }
  if (host !== undefined) {
    const addresses = new Set(host.map(readAddress));
    tests.push((frame) => addressesOf(frame).some((address) => addresses.has(address)));
  }
  if (opcode !== undefined) {
    const opcodes = new Set(opcode.flatMap(readOpcode));
    tests.push(({ roce }) => roce !== undefined && opcodes.has(roce.bth.opcode));
  }
  return (frame) => tests.every((test) => test(frame));
}

function readQpn(text: string): number {
  const value = NUMBER.test(text) ? Number(text) : NaN;
  if (value <= MOST_QPN) return value;
  throw new UsageError(`--qp: expected a queue pair number such as 17 or 0x000011, not "${text}"`);
}

/** As {@link addressesOf} writes it. */
function readAddress(text: string): string {
  const word = text.toLowerCase();
  const host = /^host(\d{1,5})$/.exec(word);
  if (host !== null) return formatIpv4(hostIpv4(Number(host[1])));
  if (/^(?:\d{1,3}\.){3}\d{1,3}$|^[\da-f:.]*:[\da-f:.]+$/.test(word)) return word;
  throw new UsageError(`--host: expected host0 or an IPv4, IPv6 or MAC address, not "${text}"`);
}

function addressesOf({ ethernet, ipv4, ipv6 }: Frame): string[] {
  const addresses: string[] = [];
  if (ethernet !== undefined) {
    addresses.push(formatMac(macBytes(ethernet.source)), formatMac(macBytes(ethernet.destination)));
  }
  if (ipv4 !== undefined) {
    addresses.push(formatIpv4(ipv4Bytes(ipv4.source)), formatIpv4(ipv4Bytes(ipv4.destination)));
  }
  if (ipv6 !== undefined) {
    addresses.push(formatIpv6(ipv6.source), formatIpv6(ipv6.destination));
  }
  return addresses;
}

/** The opcodes of that name, of one transport or of all. */
function readOpcode(text: string): number[] {
  if (NUMBER.test(text) && Number(text) < OPCODE_INFO.length) return [Number(text)];
  const word = text.toUpperCase().replace(/^(RC|UC|UD|RD|XRC)_/, '$1 ');
  const found = OPCODE_INFO.flatMap((info) => {
    if (info === undefined) return [];
    const name = opcodeName(info.opcode);
    return name === word || name.endsWith(` ${word}`) ? [info.opcode] : [];
  });
  if (found.length > 0) return found;
  const known = OPCODE_INFO.flatMap((info) => (info === undefined ? [] : [info.name]));
  const near = suggestion(word, [...known, ...known.map((name) => name.split(' ').at(-1)!)]);
  throw new UsageError(`--opcode: no opcode is called "${text}"${near}`);
}
