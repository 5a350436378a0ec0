/**
 * Somebody on the network who has no token and means no good: `hostile.js MODE ADDRESS PORT COUNT [FROM]` makes COUNT
 * connections. Prints what became of them as JSON, and ends by itself within half a minute.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const BATCH = 250;
const LONGEST_MS = 25_000;

const [, , mode, address, port, text, from] = process.argv;
const count = Number(text);

/** What a connection begins with, by number. */
const GARBAGE = [
  () => randomBytes(4096),
  () => Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  () => Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
  () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  () => Buffer.from(`GET /control HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`),
  () => Buffer.from('GET /join HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
  () => Buffer.from('POST /join HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n'),
  () => Buffer.from(`${'A'.repeat(65_536)}`),
];

const SLOW = 'GET /control HTTP/1.1\r\nHost: pinwire\r\nUpgrade: websocket\r\nX-Slow: ';

class Strangers {
  opened = 0;
  /** Not even connected. */
  failed = 0;
  /** By the other end. */
  closed = 0;
  mostOpen = 0;
  bytesBack = 0;
  sockets = new Set();

  async open(begin) {
    for (let at = 0; at < count; at += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) =>
        this.one((socket) => begin(socket, at + i)),
      );
      await Promise.all(batch);
    }
  }

  one(begin) {
    return new Promise((resolve) => {
      const socket = connect({
        ...{ host: address, port: Number(port) },
        ...(from && { localAddress: from }),
      });
      let connected = false;
      socket.on('connect', () => {
        connected = true;
        this.opened++;
        this.sockets.add(socket);
        this.mostOpen = Math.max(this.mostOpen, this.sockets.size);
        begin(socket);
        resolve();
      });
      socket.on('data', (data) => (this.bytesBack += data.length));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!connected) this.failed++;
        else if (this.sockets.delete(socket)) this.closed++;
        resolve();
      });
    });
  }

  /** Until the other end has closed all of them, or it takes too long. */
  async end() {
    const began = performance.now();
    while (this.sockets.size > 0 && performance.now() - began < LONGEST_MS) await sleep(20);
    const { opened, failed, closed, mostOpen, bytesBack } = this;
    console.log(
      JSON.stringify({
        ...{ opened, failed, closed, mostOpen, bytesBack },
        ...{ left: this.sockets.size, seconds: (performance.now() - began) / 1000 },
      }),
    );
    process.exit(0);
  }
}

const strangers = new Strangers();
switch (mode) {
  case 'silence':
    await strangers.open(() => undefined);
    break;
  case 'garbage':
    await strangers.open((socket, at) => socket.write(GARBAGE[at % GARBAGE.length]()));
    break;
  case 'drip':
    await strangers.open((socket) => {
      const drip = async () => {
        for (let at = 0; !socket.destroyed; at++) {
          socket.write(SLOW[at] ?? 'z');
          await sleep(200);
        }
      };
      void drip();
    });
    break;
}
await strangers.end();
