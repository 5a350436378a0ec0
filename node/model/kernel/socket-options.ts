/** setsockopt(2): what may be set of a socket, and the checks that its arguments and those of other calls pass. */
import { SOCKET_OPTION } from '../../spec/system-calls.js';
import { SOCKET_ERRNO, type SocketErrno } from '../../spec/verbs-error.js';
import type { KernelSocket } from './socket-table.js';

/** What a system call answers that fails with this errno. */
export const failed = (name: SocketErrno): number => -SOCKET_ERRNO[name];

export const isLength = (length: number): boolean => Number.isSafeInteger(length) && length >= 0;
export const isPort = (port: number): boolean =>
  Number.isInteger(port) && port >= 0 && port <= 0xffff;
export const isAddress = (address: number): boolean =>
  Number.isInteger(address) && address > 0 && address <= 0xffffffff;

/** Sets one of {@link SOCKET_OPTION} at `now`: 0, or a failed call's answer. */
export function setOption(
  socket: KernelSocket,
  option: number,
  value: number,
  now: number,
): number {
  switch (option) {
    case SOCKET_OPTION.noDelay:
      if (socket.net?.kind !== 'tcp') return failed('ENOPROTOOPT');
      socket.net.setNoDelay(value !== 0, now);
      return 0;
    case SOCKET_OPTION.busyPoll:
      socket.busyPoll = value !== 0;
      return 0;
    case SOCKET_OPTION.join:
    case SOCKET_OPTION.leave:
      return membership(socket, value, option === SOCKET_OPTION.join);
    default:
      return failed('ENOPROTOOPT');
  }
}

function membership({ net }: KernelSocket, group: number, joins: boolean): number {
  if (net?.kind !== 'udp') return failed('ENOPROTOOPT');
  if (!isAddress(group)) return failed('EINVAL');
  const wrong = joins ? net.join(group) : net.leave(group);
  return wrong === 0 ? 0 : failed(wrong);
}
