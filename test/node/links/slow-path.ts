/**
 * A long way to a port of this machine: a relay that forwards everything, both ways, after a delay in milliseconds.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** The relay's own port. It does not keep this process alive; its connections end with their ends. */
export function slowPath(port: number, delayMs: number): Promise<number> {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    carry(near, far, delayMs);
    carry(far, near, delayMs);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Timers of one length keep their order. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
}
