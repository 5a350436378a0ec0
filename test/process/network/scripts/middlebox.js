/**
 * The middlebox between machines that cannot reach each other: takes TCP connections on the router and carries each on
 * to a machine, with the delay, jitter, loss and rate of a long path. It works on streams, so a lost packet is what TCP
 * makes of it: everything behind it waits for a retransmission. A machine that is stalled hears nothing and is not
 * heard, and no connection is notified.
 *
 * Run by node with its settings as an argument, as JSON (`relay.ts` has the shapes); takes orders over IPC.
 */
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** What may be under way in one direction of a connection before its sender has to wait. */
const WINDOW_BYTES = 4 << 20;

const settings = JSON.parse(process.argv[2]);
let path = settings.path;
const stalled = new Set();
const lanes = new Set();
const statistics = { connections: 0, chunks: 0, bytes: 0, lost: 0 };

// xorshift32: the same run of losses for the same seed.
let state = settings.seed;
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

/** One direction of a connection. */
class Lane {
  constructor(machines, from, to) {
    this.machines = machines;
    this.from = from;
    this.to = to;
    this.queue = [];
    this.held = 0;
    this.free = 0;
    this.last = 0;
    lanes.add(this);
    from.on('data', (chunk) => this.take(chunk));
    from.on('end', () => this.enqueue({ due: this.dueFor(0), chunk: null }));
    from.on('error', ignore);
    from.on('close', (failed) => {
      if (failed) to.destroy();
    });
    to.on('drain', () => this.pump());
    to.on('close', () => {
      lanes.delete(this);
      clearTimeout(this.timer);
      // What was refused the way on is refused its origin; a stream that ended has nothing left to refuse.
      if (!to.writableFinished) from.destroy();
    });
  }

  take(chunk) {
    statistics.chunks++;
    statistics.bytes += chunk.length;
    this.held += chunk.length;
    if (this.held > WINDOW_BYTES) this.from.pause();
    this.enqueue({ due: this.dueFor(chunk.length), chunk });
  }

  dueFor(bytes) {
    this.free = Math.max(this.free, performance.now());
    if (path.mbps > 0) this.free += (bytes * 8) / (path.mbps * 1000);
    let due = this.free + path.delayMs + path.jitterMs * random();
    if (random() < path.loss) {
      statistics.lost++;
      due += path.retransmissionMs;
    }
    // A stream: nothing overtakes.
    this.last = Math.max(this.last, due);
    return this.last;
  }

  enqueue(entry) {
    this.queue.push(entry);
    if (this.queue.length === 1) this.pump();
  }

  pump() {
    clearTimeout(this.timer);
    if (this.machines.some((machine) => stalled.has(machine))) return;
    while (this.queue.length > 0 && !this.to.writableNeedDrain) {
      const wait = this.queue[0].due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => this.pump(), Math.ceil(wait));
        return;
      }
      const { chunk } = this.queue.shift();
      if (chunk === null) {
        this.to.end();
        return;
      }
      this.held -= chunk.length;
      this.to.write(chunk);
      if (this.from.isPaused() && this.held < WINDOW_BYTES / 2) this.from.resume();
    }
  }
}

function carry(route, inner) {
  const source = settings.machines[inner.remoteAddress] ?? inner.remoteAddress;
  const machines = [source, route.to.machine];
  statistics.connections++;
  inner.setNoDelay(true);
  inner.on('error', ignore);
  const open = () => {
    if (inner.destroyed) return;
    if (machines.some((machine) => stalled.has(machine))) {
      waiting.add(open);
      return;
    }
    const outer = connect({ ...route.to.address, allowHalfOpen: true, noDelay: true });
    new Lane(machines, inner, outer);
    new Lane(machines, outer, inner);
  };
  // The way of its SYN.
  setTimeout(open, path.delayMs);
}

/** Connections begun while their machine was stalled. */
const waiting = new Set();

function ignore() {
  // A socket's 'close' says what matters.
}

process.on('message', (order) => {
  if (order.path !== undefined) path = order.path;
  if (order.stall !== undefined) stalled.add(order.stall);
  if (order.resume !== undefined) {
    stalled.delete(order.resume);
    for (const lane of lanes) lane.pump();
    const again = [...waiting];
    waiting.clear();
    for (const open of again) open();
  }
  for (const { machines, from } of lanes) if (machines[1] === order.reset) from.resetAndDestroy();
  process.send(statistics);
});
process.on('disconnect', () => process.exit(0));

let open = 0;
for (const route of settings.routes) {
  const server = createServer({ allowHalfOpen: true }, (socket) => carry(route, socket));
  server.listen(route.listen, () => {
    if (++open === settings.routes.length) process.send('ready');
  });
}
