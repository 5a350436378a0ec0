/**
 * Somebody who has the token and breaks the protocol all the same: `insider.js MODE URL` with the token in
 * PINWIRE_TOKEN. Prints what became of it as JSON, and ends by itself within half a minute. Writes frames by hand, as
 * no library would.
 */
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { dial } from '../../../../dist/node/door/dial.js';
import { packControl, unpackControl } from '../../../../dist/wire/control/codec.js';

const LONGEST_MS = 25_000;
const GIGABYTE = 2 ** 30;
const PIECE = 64 * 1024;

const [, , mode, url] = process.argv;
const token = process.env['PINWIRE_TOKEN'];

const BINARY = 2;
const PING = 9;

/** A frame as clients send them, its mask zero. */
function frame(opcode, length, { final = true, declared = length } = {}) {
  const size = declared < 126 ? 0 : declared < 65_536 ? 2 : 8;
  const bytes = Buffer.alloc(2 + size + 4 + length, 0);
  bytes[0] = (final ? 0x80 : 0) | opcode;
  bytes[1] = 0x80 | (size === 0 ? declared : size === 2 ? 126 : 127);
  if (size === 2) bytes.writeUInt16BE(declared, 2);
  if (size === 8) bytes.writeBigUInt64BE(BigInt(declared), 2);
  return bytes;
}

const began = performance.now();
const socket = await dial(url, { token }, 2 ** 20);
const raw = socket._socket;
let sent = 0;
let closed = false;
let code = 0;
let heard = '';
socket.on('close', (given) => (code = given));
socket.on('message', (data) => (heard = JSON.stringify(unpackControl(data))));
raw.on('close', () => (closed = true));

/** Sends the bytes when there is room for them; false once the other end has hung up. */
async function send(bytes) {
  if (closed) return false;
  if (!raw.write(bytes)) {
    while (raw.writableNeedDrain && !closed && !late()) await sleep(2);
  }
  sent += bytes.length;
  return !closed && !late();
}
const late = () => performance.now() - began > LONGEST_MS;

const path = new URL(url).pathname;
/**
 * The first message of those who belong on this path, of a protocol that nobody speaks any more where it can be told.
 */
const outdated = {
  '/control': { type: 'hello', process: 0, pid: 1, fabric: 'ws://127.0.0.1:1' },
  '/join': { type: 'offer', protocol: 'pinwire-join/0', hosts: 1 },
  '/client': { type: 'hello', protocol: 'pinwire-client/0' },
  '/fabric': { type: 'hello' },
}[path];
const client = {
  ...{ type: 'hello', protocol: 'pinwire-client/1', version: '0', node: process.version },
  who: 'insider',
};
/** Few bytes that promise a lot: a list of 2^32, lists in lists in lists, a text of 4 GiB. */
const bombs = [
  Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  Buffer.alloc(1 << 19, 0x91),
  Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
];

switch (mode) {
  // One message of a gigabyte, as its first frame says.
  case 'declared':
    socket.resume();
    await send(frame(BINARY, 0, { declared: GIGABYTE }));
    break;
  // One message of a gigabyte, whose length nobody says.
  case 'fragments':
    socket.resume();
    if (await send(frame(BINARY, PIECE, { final: false }))) {
      while (sent < GIGABYTE && (await send(frame(0, PIECE, { final: false }))));
    }
    break;
  case 'bombs':
    socket.resume();
    for (const bomb of bombs) socket.send(bomb);
    break;
  // Asks for a million answers and takes none of them.
  case 'unread': {
    raw.pause();
    const pings = Buffer.concat(Array.from({ length: 500 }, () => frame(PING, 125)));
    for (let at = 0; at < 2_000 && (await send(pings)); at++);
    break;
  }
  // The same of a client, who may ask.
  case 'curious': {
    raw.pause();
    await send(frameOf(client));
    const questions = Buffer.concat(Array.from({ length: 500 }, () => frameOf({ type: 'status' })));
    for (let at = 0; at < 2_000 && (await send(questions)); at++);
    break;
  }
  case 'mute':
    socket.resume();
    break;
  case 'outdated':
    socket.resume();
    socket.send(packControl(outdated));
    break;
  default:
    throw new Error(`no mode ${mode}`);
}
while (!closed && !late()) await sleep(10);
await sleep(50);
console.log(
  JSON.stringify({ sent, closed, code, heard, seconds: (performance.now() - began) / 1000 }),
);
process.exit(0);

/** A message in a frame of its own. */
function frameOf(message) {
  const bytes = packControl(message);
  const whole = frame(BINARY, bytes.length);
  whole.set(bytes, whole.length - bytes.length);
  return whole;
}
