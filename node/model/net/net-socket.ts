/** Whatever has an id in a stack. */
import type { TcpListener } from './tcp-listener.js';
import type { TcpSocket } from './tcp-socket.js';
import type { UdpSocket } from './udp-socket.js';

export type NetSocket = UdpSocket | TcpSocket | TcpListener;
