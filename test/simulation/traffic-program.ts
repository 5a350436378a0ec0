/** The program that carries out its host's part of a traffic plan, and checks what comes in against it. */
import {
  ACCESS,
  type CompletionQueue,
  type Core,
  type MemoryRegion,
  type Picoseconds,
  type QueuePair,
  type Rkey,
  type SendWr,
  type Sge,
  type WorkCompletion,
} from '../../node/program/verbs.js';
import {
  AREA,
  LONGEST,
  planTraffic,
  WORDS,
  type Plan,
  type PlannedRequest,
  type TrafficShape,
} from './traffic-plan.js';

const EVERYTHING =
  ACCESS.LOCAL_WRITE | ACCESS.REMOTE_WRITE | ACCESS.REMOTE_READ | ACCESS.REMOTE_ATOMIC;

const SEND_SLOTS = 24;
const RECEIVE_SLOTS = 6;
const SLOT = 4096;

/** Where things lie in a queue pair's part of its host's region. */
const LAYOUT = {
  source: 0,
  readable: AREA,
  written: 2 * AREA,
  answers: 3 * AREA,
  receives: 3 * AREA + SEND_SLOTS * SLOT,
  word: 3 * AREA + (SEND_SLOTS + RECEIVE_SLOTS) * SLOT,
} as const;
const PART = LAYOUT.word + SLOT;

interface Remote {
  readonly address: number;
  readonly rkey: Rkey;
  readonly qpNums: readonly number[];
}

/** One queue pair: what it still has to post and to see. */
interface Traffic {
  readonly qp: QueuePair;
  readonly at: number;
  readonly plan: Plan;
  /** What the peer's requests bring: those that take a receive. */
  readonly incoming: readonly PlannedRequest[];
  readonly incomingPlan: Plan;
  posted: number;
  /** Requests known to be complete. */
  done: number;
  received: number;
  receivesPosted: number;
}

/** What is wrong; empty if all went as it must. */
export async function runTraffic(core: Core, shape: TrafficShape): Promise<string[]> {
  const context = await core.openDevice();
  const pd = await context.allocatePd();
  const capacity = shape.queuePairs * (SEND_SLOTS + RECEIVE_SLOTS);
  const sendCq = await context.createCq(capacity);
  const recvCq = await context.createCq(capacity);
  const words = shape.queuePairs * PART;
  const region = await pd.registerMemory(await core.allocate(words + SLOT), EVERYTHING);
  const qps: QueuePair[] = [];
  for (let i = 0; i < shape.queuePairs; i++) {
    const plan = planTraffic(shape, core.host, i);
    const cap = {
      maxSendWr: SEND_SLOTS,
      maxRecvWr: RECEIVE_SLOTS,
      maxSendSge: 2,
      maxRecvSge: 2,
      maxInlineData: 128,
    };
    qps.push(await pd.createQp({ sendCq, recvCq, cap, sqSigAll: plan.cap.signalAll }));
  }
  const peer = 1 - core.rank;
  await core.tell(peer, {
    address: region.address,
    rkey: region.rkey,
    qpNums: qps.map(({ qpNum }) => qpNum),
  });
  const remote = (await core.hear(peer)) as Remote;
  const problems: string[] = [];
  const all: Traffic[] = [];
  for (const [i, qp] of qps.entries()) {
    const plan = planTraffic(shape, core.host, i);
    const incomingPlan = planTraffic(shape, peer, i);
    const at = i * PART;
    region.bytes.set(plan.source, at + LAYOUT.source);
    region.bytes.set(incomingPlan.readable, at + LAYOUT.readable);
    await connect(qp, plan, incomingPlan, { peer, qpNum: remote.qpNums[i]!, mtu: shape.mtu });
    const incoming = incomingPlan.requests.filter(({ kind }) => takesReceive(kind));
    all.push({
      ...{ qp, at, plan, incoming, incomingPlan },
      ...{ posted: 0, done: 0, received: 0, receivesPosted: 0 },
    });
  }
  await core.tell(peer, 'ready');
  await core.hear(peer);

  const host = { core, region, remote, words, problems };
  while (all.some(isBusy)) {
    for (const traffic of all) {
      if (core.random() < 0.7) postReceives(host, traffic);
      if (core.random() < 0.7) postSends(host, traffic);
    }
    await core.sleep(Math.floor(core.random() * 2e6) as Picoseconds);
    await see(host, sendCq, all, seeSent);
    await see(host, recvCq, all, seeReceived);
    if (problems.length > 0) return problems;
  }
  // The peer may still need answers from here.
  await core.tell(peer, 'done');
  await core.hear(peer);
  await core.sleep(1e9 as Picoseconds);
  checkMemory(host, all, shape);
  if ((await sendCq.poll()).length + (await recvCq.poll()).length > 0) {
    problems.push('a completion too many');
  }
  for (const qp of qps) await qp.destroy();
  await sendCq.destroy();
  await recvCq.destroy();
  await region.deregister();
  await pd.deallocate();
  return problems;
}

interface Surroundings {
  readonly core: Core;
  readonly region: MemoryRegion;
  readonly remote: Remote;
  /** Where the words lie that every queue pair adds to. */
  readonly words: number;
  readonly problems: string[];
}

const takesReceive = (kind: PlannedRequest['kind']): boolean =>
  kind === 'send' || kind === 'sendImm' || kind === 'writeImm';

const isBusy = ({ done, plan, received, incoming }: Traffic): boolean =>
  done < plan.requests.length || received < incoming.length;

async function connect(
  qp: QueuePair,
  plan: Plan,
  incoming: Plan,
  { peer, qpNum, mtu }: { peer: number; qpNum: number; mtu: number },
): Promise<void> {
  await qp.modify({ state: 'INIT', pkeyIndex: 0, port: 1, accessFlags: EVERYTHING });
  await qp.modify({
    ...{ state: 'RTR', ahHost: peer, pathMtu: mtu, destQpNum: qpNum, rqPsn: incoming.cap.sqPsn },
    ...{ maxDestRdAtomic: incoming.cap.rdAtomic, minRnrTimer: 1 },
  });
  await qp.modify({
    ...{ state: 'RTS', sqPsn: plan.cap.sqPsn, timeout: 6, retryCnt: 7, rnrRetry: 7 },
    maxRdAtomic: plan.cap.rdAtomic,
  });
}

function postReceives({ core, region }: Surroundings, traffic: Traffic): void {
  while (traffic.receivesPosted - traffic.received < RECEIVE_SLOTS && core.random() < 0.8) {
    const slot = traffic.receivesPosted % RECEIVE_SLOTS;
    const at = traffic.at + LAYOUT.receives + slot * SLOT;
    const split = Math.floor(core.random() * LONGEST);
    const sges = [region.sge(at, split), region.sge(at + split, SLOT - split)];
    traffic.qp.postRecv({ wrId: traffic.receivesPosted++, sges });
  }
}

function postSends(host: Surroundings, traffic: Traffic): void {
  const requests: SendWr[] = [];
  while (
    traffic.posted < traffic.plan.requests.length &&
    traffic.posted - traffic.done < SEND_SLOTS &&
    host.core.random() < 0.8
  ) {
    requests.push(requestOf(host, traffic, traffic.posted++));
  }
  if (requests.length > 0) traffic.qp.postSendList(requests);
}

function requestOf({ region, remote, words }: Surroundings, traffic: Traffic, n: number): SendWr {
  const planned = traffic.plan.requests[n]!;
  const { kind, signaled, fence, inline, length, split, immediate, operand, compare } = planned;
  const answers = /^(?:read|fetch|compare)/.test(kind);
  const at =
    traffic.at +
    (answers ? LAYOUT.answers + (n % SEND_SLOTS) * SLOT : LAYOUT.source + planned.from);
  const sges: Sge[] = [region.sge(at, split)];
  if (split < length) sges.push(region.sge(at + split, length - split));
  const base = { wrId: n, sges, signaled, fence };
  const to = (offset: number): { remoteAddress: number; rkey: Rkey } => ({
    remoteAddress: remote.address + offset,
    rkey: remote.rkey,
  });
  const written = to(traffic.at + LAYOUT.written + planned.to);
  switch (kind) {
    case 'send':
      return { ...base, opcode: 'SEND', inline };
    case 'sendImm':
      return { ...base, opcode: 'SEND_WITH_IMM', immediate, inline };
    case 'write':
      return { ...base, opcode: 'RDMA_WRITE', inline, ...written };
    case 'writeImm':
      return { ...base, opcode: 'RDMA_WRITE_WITH_IMM', immediate, inline, ...written };
    case 'read':
      return { ...base, opcode: 'RDMA_READ', ...to(traffic.at + LAYOUT.readable + planned.to) };
    case 'readBack':
      return { ...base, opcode: 'RDMA_READ', ...written };
    case 'fetchAdd':
      return { ...base, opcode: 'ATOMIC_FETCH_AND_ADD', add: operand, ...to(words + planned.to) };
    case 'compareSwap': {
      const target = to(traffic.at + LAYOUT.word);
      return { ...base, opcode: 'ATOMIC_CMP_AND_SWP', compare, swap: operand, ...target };
    }
  }
}

async function see(
  host: Surroundings,
  cq: CompletionQueue,
  all: readonly Traffic[],
  take: (host: Surroundings, traffic: Traffic, completion: WorkCompletion) => void,
): Promise<void> {
  for (const completion of await cq.poll()) {
    const traffic = all.find(({ qp }) => qp.qpNum === completion.qpNum)!;
    if (completion.status === 'SUCCESS') take(host, traffic, completion);
    else host.problems.push(`${name(host, traffic)}: ${completion.wrId} ${completion.status}`);
  }
}

const name = ({ core }: Surroundings, { qp }: Traffic): string => `host${core.host} qp${qp.qpNum}`;

/** A completion must be of the next signalled request; those before it are complete too. */
function seeSent(host: Surroundings, traffic: Traffic, completion: WorkCompletion): void {
  const { requests } = traffic.plan;
  let next = traffic.done;
  while (next < requests.length && !requests[next]!.signaled) next++;
  if (completion.wrId !== next) {
    host.problems.push(`${name(host, traffic)}: completion of ${completion.wrId}, not of ${next}`);
    return;
  }
  for (let n = traffic.done; n <= next; n++) checkAnswer(host, traffic, n);
  traffic.done = next + 1;
}

function checkAnswer(host: Surroundings, traffic: Traffic, n: number): void {
  const { expected, length, kind } = traffic.plan.requests[n]!;
  if (expected === undefined) return;
  const at = traffic.at + LAYOUT.answers + (n % SEND_SLOTS) * SLOT;
  const { region, problems } = host;
  const right =
    typeof expected === 'bigint'
      ? region.data.getBigUint64(at, true) === expected
      : Buffer.compare(region.bytes.subarray(at, at + length), expected) === 0;
  if (!right) problems.push(`${name(host, traffic)}: request ${n}, ${kind}, brought wrong data`);
}

function seeReceived(host: Surroundings, traffic: Traffic, completion: WorkCompletion): void {
  const n = traffic.received;
  const planned = traffic.incoming[n];
  const { region, problems } = host;
  if (planned === undefined || completion.wrId !== n) {
    problems.push(`${name(host, traffic)}: receive ${completion.wrId}, not ${n}`);
    return;
  }
  const { kind, length, from, immediate } = planned;
  const at = traffic.at + LAYOUT.receives + (n % RECEIVE_SLOTS) * SLOT;
  const data = traffic.incomingPlan.source.subarray(from, from + length);
  const right =
    completion.byteLen === length &&
    completion.opcode === (kind === 'writeImm' ? 'RECV_RDMA_WITH_IMM' : 'RECV') &&
    completion.immediate === (kind === 'send' ? undefined : immediate) &&
    (kind === 'writeImm' || Buffer.compare(region.bytes.subarray(at, at + length), data) === 0);
  if (!right) problems.push(`${name(host, traffic)}: message ${n}, ${kind}, is wrong`);
  traffic.received++;
}

function checkMemory(host: Surroundings, all: readonly Traffic[], shape: TrafficShape): void {
  const { region, problems, words } = host;
  for (const traffic of all) {
    const { at, incomingPlan } = traffic;
    const written = region.bytes.subarray(at + LAYOUT.written, at + LAYOUT.written + AREA);
    if (Buffer.compare(written, incomingPlan.written) !== 0) {
      problems.push(`${name(host, traffic)}: the memory written to is not the model's`);
    }
    if (region.data.getBigUint64(at + LAYOUT.word, true) !== incomingPlan.ownWord) {
      problems.push(`${name(host, traffic)}: the word swapped is not the model's`);
    }
  }
  const { core } = host;
  for (let word = 0; word < WORDS; word++) {
    let sum = 0n;
    for (let i = 0; i < shape.queuePairs; i++)
      sum += planTraffic(shape, 1 - core.rank, i).added[word]!;
    if (region.data.getBigUint64(words + word * 8, true) !== BigInt.asUintN(64, sum)) {
      problems.push(`host${core.host}: word ${word} is not the sum of what was added`);
    }
  }
}
