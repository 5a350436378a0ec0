/** What headers and the ICRC cost: `node dist/bench/wire.js`. Nanoseconds per call, best of five rounds. */
import { crc32 } from 'node:zlib';
import { emitBth, newBth, parseBth } from '../wire/bth.js';
import { computeIcrc } from '../wire/icrc.js';
import { emitReth, newReth, parseReth } from '../wire/reth.js';

const ROUNDS = 5;
const HEADERS_LENGTH = 14 + 20 + 8 + 12 + 16;

function measure(name: string, calls: number, run: (calls: number) => void): void {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.hrtime.bigint();
    run(calls);
    best = Math.min(best, Number(process.hrtime.bigint() - from) / calls);
  }
  console.log(`${name.padEnd(32)} ${best.toFixed(1).padStart(9)} ns`);
}

/** An Ethernet, IPv4, UDP, BTH and RETH frame of so much payload. */
function newFrameBytes(payload: number): Uint8Array {
  const bytes = Uint8Array.from({ length: HEADERS_LENGTH + payload + 4 }, (_, i) => (i * 7) & 0xff);
  bytes.set([0x08, 0x00, 0x45], 12);
  return bytes;
}

const bytes = newFrameBytes(0);
const view = new DataView(bytes.buffer);
const bth = newBth();
const reth = newReth();
measure('parse BTH + RETH', 2_000_000, (calls) => {
  for (let i = 0; i < calls; i++) {
    parseBth(view, 42, bth);
    parseReth(view, 54, reth);
  }
});
measure('emit BTH + RETH', 2_000_000, (calls) => {
  for (let i = 0; i < calls; i++) {
    bth.psn = i & 0xffffff;
    emitBth(view, 42, bth);
    emitReth(view, 54, reth);
  }
});
for (const payload of [0, 64, 128, 192, 256, 512, 1024, 4096]) {
  const frame = newFrameBytes(payload);
  measure(`ICRC, ${payload} B of payload`, 100_000, (calls) => {
    for (let i = 0; i < calls; i++) computeIcrc(frame, 0, frame.length);
  });
}
const block = newFrameBytes(4096);
measure('zlib.crc32 alone, 4096 B', 100_000, (calls) => {
  for (let i = 0; i < calls; i++) crc32(block.subarray(70, 70 + 4096), 1);
});
