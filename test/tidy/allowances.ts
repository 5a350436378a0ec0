/** What the house allows against its own rules, each with the reason. The test fails when one is no longer needed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Exceptions, allowed } from './exceptions.js';

export const IMPORTS: Exceptions = {};

const BOARD = 'A board: a line for each part and for each wire between them.';

/** `most` is the number of lines. */
export const LONG_FUNCTIONS: Exceptions = {
  'node/model/nic.ts#Nic.constructor': { reason: BOARD, most: 79 },
};

const PER_PACKET =
  'Called for each packet or message: a record of its arguments would be allocated.';
const PARTS = 'The parts that a board hands to one of them, each once and each of another type.';

/** `most` is the number of parameters. */
export const WIDE_SIGNATURES: Exceptions = {
  'node/model/net/ip-stack.ts#IpStack.input': { reason: PER_PACKET, most: 7 },
  'node/model/net/ip-stack.ts#IpStack.inputIpv4': { reason: PER_PACKET, most: 8 },
  'node/model/net/tcp-layer.ts#TcpLayer.input': { reason: PER_PACKET, most: 8 },
  'node/model/net/tcp-socket.ts#TcpSocket.constructor': { reason: PARTS, most: 7 },
  'node/model/nic/dma-transfers.ts#DmaTransfers.constructor': { reason: PARTS, most: 9 },
  'node/model/nic/dma-transfers.ts#DmaTransfers.begin': { reason: PER_PACKET, most: 7 },
  'node/model/nic/payload-writer.ts#PayloadWriter.constructor': { reason: PARTS, most: 7 },
  'node/model/nic/transmitter.ts#Transmitter.constructor': { reason: PARTS, most: 8 },
  'node/model/rdma/completion-queue.ts#CompletionWriter.constructor': { reason: PARTS, most: 10 },
  'node/model/rdma/packet.ts#beginPacket': { reason: PER_PACKET, most: 8 },
  'node/model/rdma/receive-completions.ts#ReceiveCompletions.post': { reason: PER_PACKET, most: 9 },
  'node/model/rdma/response-stream.ts#ResponseStream.read': { reason: PER_PACKET, most: 8 },
  'node/model/rdma/send-queue.ts#SendQueue.gather': { reason: PER_PACKET, most: 7 },
  'node/program/program-sockets.ts#enter': {
    reason: 'A system call has a number and six arguments, as on Linux.',
    most: 8,
  },
  'workloads/host/flow-frames.ts#emitVariable': { reason: PER_PACKET, most: 8 },
  'workloads/host/rss-generator.ts#FrameSource.constructor': { reason: PARTS, most: 7 },
  'workloads/host/rss-generator.ts#overload': {
    reason: 'One phase of the generator: its place, its plan and what it sends with.',
    most: 7,
  },
};

const inFile = (path: string, names: readonly string[]): string[] =>
  names.map((name) => `${path}#${name}`);

const STANDARD =
  'A value of the protocol: its table is complete, whichever of them a program sends.';
const BRANDED = 'The arithmetic of a branded number is complete, whichever operation is used.';

/** Exports that no file imports. */
export const DEAD_EXPORTS: Exceptions = {
  ...allowed(
    STANDARD,
    inFile('workloads/trading/wire-formats/ouch-layouts.ts', [
      ...['ADDED_LIQUIDITY', 'CANCELLED_AS_POST_ONLY', 'CANCELLED_BY_USER', 'DAY'],
      ...['HIGHEST_PRICE', 'POST_ONLY', 'REJECTED_PRICE', 'REJECTED_QUANTITY'],
      ...['REJECTED_SIDE', 'REJECTED_SYMBOL'],
    ]),
  ),
  ...allowed(
    STANDARD,
    inFile('workloads/trading/wire-formats/soupbin.ts', [
      ...['CLIENT_HEARTBEAT', 'DEBUG', 'END_OF_SESSION', 'LOGIN_REJECTED'],
      ...['NOT_AUTHORISED', 'NO_SUCH_SESSION'],
    ]),
  ),
  ...allowed(BRANDED, inFile('units/time.ts', ['later'])),
};

const STEP = 'A step of its module that has cases of its own: they are tested without the rest.';
const ORACLE = 'An oracle: it checks what the sources build, or reads back what they write.';
const OTHER_END = 'The other end of a protocol, which the programs play with fewer messages.';
const BOTH_WAYS = 'A conversion goes both ways; each way is tested against the other.';

/** Exports that only tests import. */
export const EXPORTS_FOR_TESTS: Exceptions = {
  ...allowed(STEP, [
    ...inFile('bench/digests/digest.ts', ['sha256']),
    ...inFile('bench/peers/cpu-time.ts', ['cpuSeconds']),
    ...inFile('bench/peers/peer-table.ts', ['formatCpu']),
    ...inFile('coordinator/cli/command-status.ts', ['formatStatus']),
    ...inFile('coordinator/report/perftest-format.ts', [
      ...['perftestLatency', 'latencyRow', 'perftestBandwidth', 'bandwidthRow', 'fixed'],
    ]),
    ...inFile('coordinator/run/measure.ts', ['captureDirectoryOf', 'runSpec']),
    ...inFile('node/model/memory/address-space.ts', ['ENOMEM']),
    ...inFile('node/model/net/cubic.ts', ['cubeRoot']),
    ...inFile('node/spec/run-spec.ts', ['TOPOLOGY_NAMES']),
    ...inFile('sim/sequencer.ts', ['SEQUENCE_RANGE']),
    ...inFile('wire/describe.ts', ['describeSyndrome']),
    ...inFile('wire/opcode-table.ts', ['OpcodeName']),
    ...inFile('wire/path.ts', ['udpSourcePort']),
    ...inFile('workloads/host/flow-hash.ts', ['toeplitz']),
  ]),
  ...allowed(ORACLE, [
    ...inFile('workloads/trading/market/book-audit.ts', ['auditLadder', 'auditBooks']),
    ...inFile('workloads/trading/wire-formats/itch.ts', ['parseItch']),
    ...inFile('workloads/trading/wire-formats/ouch.ts', ['LONGEST_OUCH', 'LONGEST_OPTIONS']),
  ]),
  ...allowed(OTHER_END, [
    ...inFile('wire/aeth.ts', ['ackSyndrome']),
    ...inFile('workloads/trading/wire-formats/soupbin.ts', [
      ...['SERVER_HEARTBEAT', 'parseLoginAccepted', 'SoupSession'],
    ]),
  ]),
  ...allowed(BOTH_WAYS, [
    ...inFile('wire/u64.ts', ['u64Number', 'u64High', 'u64Low']),
    ...inFile('wire/u64.ts', ['u64BigInt']),
  ]),
  ...allowed(BRANDED, [
    ...inFile('units/keys.ts', ['rkey', 'incrementRkey']),
    ...inFile('units/time.ts', ['nanoseconds', 'instant']),
  ]),
  'workloads/trading/market/matching-engine.ts#MatchingEngine':
    'A book with the rules of an exchange; no workload runs one yet.',
};

/** Files older than the rule, which still hold lines that are too wide. */
export const WIDE_FILES = listedIn('wide-files.txt');

/** A file of paths, one a line. */
function listedIn(name: string): Exceptions {
  const paths = readFileSync(join(import.meta.dirname, name), 'utf8').split('\n');
  return allowed(
    'Older than the rule.',
    paths.filter((path) => path !== ''),
  );
}
