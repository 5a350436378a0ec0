/** The programs of `host/vm-queues` that talk: a client and its server, and the noise beside them. */
import { openNetwork, type UdpSocket } from '../../node/program/sockets.js';
import { ACCESS, type Core, type Instant, type MemoryRegion } from '../../node/program/verbs.js';
import { parseDuration } from '../../units/time.js';
import { openDevice } from '../authoring/workload.js';
import { messageBytes, wrongBytes } from './pattern.js';
import { ENDPOINTS, LEAD, PATIENCE, PORTS, RANK, SETTLING, type Schedule } from './vm-plan.js';
import type { TrafficParameters } from './vm-queues-parameters.js';

export interface ClientReport {
  readonly sent: number;
  readonly wrong: number;
  /** Answers that came twice, or to nothing. */
  readonly stray: number;
  /** Of each answer: the number of its request, its latency in ps, its stages. */
  readonly numbers: readonly number[];
  readonly latencies: readonly number[];
  readonly stages: readonly number[];
}

export interface NoiseReport {
  /** Datagrams and bytes sent, or taken, in the time that requests were sent. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Of what was taken: out of order, or not what was sent. */
  readonly late: number;
  readonly wrong: number;
  readonly length: number;
}

/** Where the number of a request or a datagram stands; bytes that tell it follow. */
const NUMBER_LENGTH = 8;
const BUFFER = 2048;

class Ends {
  readonly socket: UdpSocket;
  readonly inbox: MemoryRegion;
  readonly outbox: MemoryRegion;

  private constructor(socket: UdpSocket, inbox: MemoryRegion, outbox: MemoryRegion) {
    this.socket = socket;
    this.inbox = inbox;
    this.outbox = outbox;
  }

  /** Memory is registered only so that the program can look at its bytes. */
  static async open(core: Core, port?: number): Promise<Ends> {
    const { pd } = await openDevice(core);
    const register = async (): Promise<MemoryRegion> =>
      pd.registerMemory(await core.allocate(BUFFER), ACCESS.LOCAL_WRITE);
    const network = await openNetwork(core);
    return new Ends(await network.udp(port), await register(), await register());
  }

  write(number: number, size: number): void {
    const { data, bytes } = this.outbox;
    data.setFloat64(0, number);
    bytes.set(messageBytes(number, size - NUMBER_LENGTH), NUMBER_LENGTH);
  }

  /** The number of the datagram of `length` bytes that came; -1 if it is not what was sent. */
  read(length: number, size: number): number {
    const number = this.inbox.data.getFloat64(0);
    if (length !== size || !Number.isSafeInteger(number) || number < 0) return -1;
    return wrongBytes(this.inbox.bytes.subarray(NUMBER_LENGTH, size), number) === 0 ? number : -1;
  }
}

/** Leads what comes to `port` of this host to queue `queue`, which is core `queue`'s. */
async function steer(core: Core, destinationPort: number): Promise<void> {
  const match = { protocol: 'udp', destinationPort } as const;
  await core.networkDevice.change({ what: 'rule', match, queue: core.index });
}

/** Sends requests at random times, whatever becomes of them, and takes the answers; then everybody ends. */
export async function client(core: Core, params: TrafficParameters): Promise<ClientReport> {
  const { iterations, size } = params;
  const ends = await Ends.open(core, PORTS.client);
  await steer(core, PORTS.client);
  await warmUp(core, ends, params);
  const schedule = await agree(core, params);
  const numbers: number[] = [];
  const latencies: number[] = [];
  const stages: number[] = [];
  const open = new Set<number>();
  let wrong = 0;
  let stray = 0;
  const mean: number = parseDuration(params.interval)!;
  let next: number = schedule.requests;
  for (let number = 0; ;) {
    const all = number === iterations;
    if (all && open.size === 0) break;
    const until = (all ? schedule.end + PATIENCE : next) as Instant;
    const { index } = await core.any([ends.socket.readable(), core.until(until)]);
    if (index === 1) {
      if (all) break;
      ends.write(number, size);
      core.beginOperation(next as Instant);
      await ends.socket.sendTo(ENDPOINTS.server, ends.outbox.address, size);
      core.endOperation();
      open.add(number++);
      next += Math.ceil(-mean * Math.log(1 - core.random()));
      continue;
    }
    const { length } = await ends.socket.receive(ends.inbox.address, BUFFER);
    const answered = ends.read(length, size);
    if (answered < 0) wrong++;
    else if (answered === iterations) continue;
    else if (!open.delete(answered)) stray++;
    else {
      numbers.push(answered);
      latencies.push(core.now - core.operationStart);
      for (const ps of core.operationStages()) stages.push(ps);
    }
    core.endOperation();
  }
  for (const rank of [RANK.server, RANK.taker, RANK.drain]) await core.tell(rank, 'end');
  return { sent: iterations, wrong, stray, numbers, latencies, stages };
}

/** One request, again until it is answered: who has which MAC is known before anything is measured. */
async function warmUp(
  core: Core,
  ends: Ends,
  { iterations, size }: TrafficParameters,
): Promise<void> {
  await core.hear(RANK.server);
  ends.write(iterations, size);
  for (;;) {
    await ends.socket.sendTo(ENDPOINTS.server, ends.outbox.address, size);
    const late = core.until((core.now + LEAD) as Instant);
    const { index } = await core.any([ends.socket.readable(), late]);
    if (index === 1) continue;
    await ends.socket.receive(ends.inbox.address, BUFFER);
    return;
  }
}

async function agree(core: Core, { iterations, interval }: TrafficParameters): Promise<Schedule> {
  const others = Object.values(RANK).filter((rank) => rank !== RANK.client && rank !== RANK.server);
  for (const rank of others) await core.hear(rank);
  const noise = (core.now + LEAD) as Instant;
  const requests = (noise + SETTLING) as Instant;
  const end = (requests + iterations * parseDuration(interval)!) as Instant;
  for (const rank of others) await core.tell(rank, { noise, requests, end });
  return { noise, requests, end };
}

async function agreed(core: Core): Promise<Schedule> {
  await core.tell(RANK.client, 'ready');
  return (await core.hear(RANK.client)) as Schedule;
}

/** What the host's kernel took of its own core while requests were sent, in ps; and of how much. */
export async function watches(core: Core): Promise<{ taken: number; length: number }> {
  const { requests, end } = await agreed(core);
  const taken = async (): Promise<number> => {
    const { cores } = await core.networkDevice.statistics();
    return cores.find((each) => each.core === core.index)!.taken;
  };
  await core.sleepUntil(requests);
  const before = await taken();
  await core.sleepUntil(end);
  return { taken: (await taken()) - before, length: end - requests };
}

/** Echoes what arrives until it is asked to end. */
export async function server(core: Core): Promise<void> {
  const { socket, inbox } = await Ends.open(core, PORTS.server);
  await core.tell(RANK.client, 'ready');
  for (;;) {
    const { index } = await core.any<unknown>([socket.readable(), core.heard(RANK.client)]);
    if (index === 1) return;
    const { length } = await socket.receive(inbox.address, BUFFER);
    await socket.sendTo(ENDPOINTS.client, inbox.address, length);
  }
}

/** Nobody listens there. */
const DISCARD = 9;
/** Datagrams of one sender have numbers that leave the same rest by this. */
const SENDERS = 2;

/** Sends as fast as its core can, if it has anything to send. */
export async function sends(
  core: Core,
  { noise_size: size }: TrafficParameters,
  to: 'taker' | 'drain',
  silent: boolean,
): Promise<NoiseReport> {
  const ends = await Ends.open(core);
  // What waits for ARP would leave by another core's queue, and might come out of order.
  await ends.socket.sendTo({ ...ENDPOINTS[to], port: DISCARD }, ends.outbox.address, size);
  const { noise, requests, end } = await agreed(core);
  const report = { datagrams: 0, bytes: 0, late: 0, wrong: 0, length: end - requests };
  if (silent) return report;
  await core.sleepUntil(noise);
  const parity = core.rank % SENDERS;
  for (let number = parity; core.now < end; number += SENDERS) {
    ends.write(number, size);
    const within = core.now >= requests;
    await ends.socket.sendTo(ENDPOINTS[to], ends.outbox.address, size);
    if (!within) continue;
    report.datagrams++;
    report.bytes += size;
  }
  return report;
}

/** Takes what comes, and looks at it. */
export async function takes(
  core: Core,
  { noise_size: size }: TrafficParameters,
  port: number,
): Promise<NoiseReport> {
  const ends = await Ends.open(core, port);
  if (core.host === 1) await steer(core, port);
  const { requests, end } = await agreed(core);
  const report = { datagrams: 0, bytes: 0, late: 0, wrong: 0, length: end - requests };
  const expected = new Array<number>(SENDERS).fill(0);
  for (;;) {
    const got = await ends.socket.tryReceive(ends.inbox.address, BUFFER);
    if (got === undefined) {
      const { index } = await core.any<unknown>([ends.socket.readable(), core.heard(RANK.client)]);
      if (index === 1) return report;
      continue;
    }
    const number = ends.read(got.length, size);
    if (number < 0) report.wrong++;
    else if (number < expected[number % SENDERS]!) report.late++;
    else expected[number % SENDERS] = number + 1;
    if (core.now < requests || core.now >= end) continue;
    report.datagrams++;
    report.bytes += got.length;
  }
}
