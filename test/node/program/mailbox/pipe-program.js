/**
 * A program in a process of its own, as one in C would be: it knows its host by two pipes only. It writes WQEs and
 * reads CQEs as the bytes that the heads of their files describe, asks for what lies in the host's memory by address,
 * and blocks in a read while virtual time goes on.
 *
 * To the host: kind u32, length of the body u32, body. From it: length u32, body. All little-endian.
 */
import { readSync, writeSync } from 'node:fs';
import { Buffer } from 'node:buffer';

const [FROM_HOST, TO_HOST] = [3, 4];
const STORE = 1;
const LOAD = 2;
const DOORBELL = 3;
const BEGIN = 4;
const WAIT = 5;
const [CALL, BUSY_POLL, WATCH, IDLE, ANY, HEAR, EXIT, SYSTEM] = [1, 3, 4, 5, 7, 9, 10, 12];
const [OPEN, CLOSE] = [1, 7];
const RDMA_WRITE = 2;
const SIGNALED = 1;

const { rank, post, doorbell } = JSON.parse(process.argv[2]);
let now = 0;

function send(kind, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(kind, 0);
  head.writeUInt32LE(body.length, 4);
  writeSync(TO_HOST, Buffer.concat([head, body]));
}

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let got = 0; got < length;) {
    const count = readSync(FROM_HOST, bytes, got, length - got);
    if (count === 0) process.exit(1);
    got += count;
  }
  return bytes;
}

const receive = () => read(read(4).readUInt32LE(0));

const doubles = (values) => {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => bytes.writeDoubleLE(value, 8 * index));
  return bytes;
};

const store = (address, bytes) => send(STORE, doubles([address]), bytes);

function load(address, length) {
  send(LOAD, doubles([address, length]));
  return receive();
}

/** Ends the segment. The answer is what the host gave: of a call, a system call, `any`, or what was heard. */
function wait(awaits, values = [], text = null) {
  const numbers = [awaits, now, ...values, ...new Array(7 - values.length).fill(0)];
  send(WAIT, doubles(numbers), Buffer.from(JSON.stringify(text)));
  if (awaits === EXIT) process.exit(0);
  const answer = JSON.parse(receive().toString());
  now = answer.time;
  return answer;
}

function call(name, args) {
  const { value } = wait(CALL, [], { request: { name, args } });
  if (value.errno !== undefined) throw new Error(`${name}: ${value.errno}`);
  return value.ok;
}

const tell = (value) => call('tell', { rank: 1 - rank, value });
const hear = () => wait(HEAR, [1 - rank]).value;

// A socket, and what its descriptor says when it is gone.
const { result: fd } = wait(SYSTEM, [OPEN, 1, 5000]);
const closed = [wait(SYSTEM, [CLOSE, fd]).result, wait(SYSTEM, [CLOSE, fd]).result];

const region = call('allocate', { length: 4096 });
call('queryDevice', {});
const { pd } = call('allocatePd', {});
const { key } = call('registerMemory', {
  pd,
  ...{ address: region.address, length: 4096 },
  access: 3,
});
const cq = call('createCq', { capacity: 16 });
const caps = { maxSendWr: 4, maxRecvWr: 4, maxSendSge: 1, maxRecvSge: 1, maxInlineData: 0 };
const qp = call('createQp', {
  ...{
    pd,
    sendCq: cq.number,
    recvCq: cq.number,
    cap: caps,
    sqSigAll: false,
    busAddresses: false,
    type: 'RC',
  },
});
tell({ qpNum: qp.number, address: region.address, rkey: key });
const peer = hear();
const modify = (attributes, mask) =>
  call('modifyQp', { qp: qp.index, attributes, mask, sends: 0, receives: 0 });
modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: 3 }, 0x1 | 0x8 | 0x10 | 0x20);
const toPeer = { ahHost: 1 - rank, pathMtu: 1024, destQpNum: peer.qpNum, rqPsn: 5 };
modify(
  { state: 'RTR', ...toPeer, maxDestRdAtomic: 1, minRnrTimer: 12 },
  0x1 | 0x80 | 0x100 | 0x1000 | 0x8000 | 0x20000 | 0x100000,
);
modify(
  { state: 'RTS', timeout: 14, retryCnt: 7, rnrRetry: 7, sqPsn: 5, maxRdAtomic: 1 },
  0x1 | 0x200 | 0x400 | 0x800 | 0x2000 | 0x10000,
);
tell('ready');
hear();

let value;
if (rank === 0) {
  store(region.physical, Buffer.from([1, 2, 3, 4, 5, 6, 7, 99]));
  send(BEGIN, doubles([1, now]));
  const wqe = Buffer.alloc(80);
  wqe.writeUInt8(RDMA_WRITE, 0);
  wqe.writeUInt8(SIGNALED, 1);
  wqe.writeUInt16LE(1, 2);
  wqe.writeUInt32LE(8, 4);
  wqe.writeBigUInt64LE(0x1234_5678_9abcn, 8);
  wqe.writeUInt32LE(peer.rkey, 20);
  wqe.writeBigUInt64LE(BigInt(peer.address), 24);
  wqe.writeBigUInt64LE(BigInt(region.address), 64);
  wqe.writeUInt32LE(8, 72);
  wqe.writeUInt32LE(key, 76);
  store(qp.sends.base, wqe);
  now += post + doorbell;
  send(DOORBELL, doubles([0, qp.index, 1, now, 0, 0, 0, 0]));
  // Whichever comes first: a time that is far away, or the completion.
  const alternatives = [
    [IDLE, now + 1e9, 0],
    [BUSY_POLL, cq.number, 0],
  ];
  const { alternative } = wait(ANY, [2], { alternatives });
  const cqe = load(cq.ring, 64);
  const status = cqe.readUInt32LE(8);
  value = { closed, alternative, wrId: cqe.readBigUInt64LE(0).toString(16), status, now };
} else {
  wait(WATCH, [region.physical + 7, 0]);
  value = { closed, bytes: [...load(region.physical, 8)], now };
}
wait(EXIT, [], { value });
