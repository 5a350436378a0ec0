/**
 * A pair of programs to measure a path with. `listen ADDRESS PORT` answers with what it hears, and says `listening` on
 * standard output; `ask ADDRESS PORT COUNT` connects, sends COUNT numbered lines each when the one before is back, and
 * prints the round trips in ms as JSON; `stream ADDRESS PORT COUNT` sends them all at once and prints when each came
 * back, and whether in order; `hold ADDRESS PORT` sends a line every
 * 100 ms and prints what it hears until it is killed.
 */
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setInterval } from 'node:timers';

const [, , mode, host, port, text] = process.argv;
const count = Number(text);

if (mode === 'listen') {
  createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  }).listen(Number(port), host, () => console.log('listening'));
} else {
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.on('error', (error) => {
    console.log(error.code);
    process.exitCode = 1;
  });
  const lines = createInterface({ input: socket });
  lines.on('error', () => undefined);
  const sent = [];
  const back = [];
  const send = () => {
    sent.push(performance.now());
    socket.write(`${sent.length - 1}\n`);
  };
  socket.on('connect', () => {
    if (mode === 'ask') send();
    else if (mode === 'stream') for (let i = 0; i < count; i++) send();
    else setInterval(send, 100);
  });
  let inOrder = true;
  lines.on('line', (line) => {
    if (mode === 'hold') {
      console.log(line);
      return;
    }
    inOrder &&= Number(line) === back.length;
    back.push(performance.now() - sent[Number(line)]);
    if (back.length === count) {
      console.log(JSON.stringify({ inOrder, roundTrips: back }));
      socket.destroy();
    } else if (mode === 'ask') {
      send();
    }
  });
}
