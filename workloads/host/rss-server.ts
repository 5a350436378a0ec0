/**
 * The receiving side of `host/rss`: on each core a program that reads its own UDP port by blocking calls of the kernel,
 * and looks at what came: of which flow, in which order, whether twice.
 */
import { openNetwork, type DeviceStatistics, type UdpSocket } from '../../node/program/sockets.js';
import { ACCESS, type Core, type MemoryRegion } from '../../node/program/verbs.js';
import { ms } from '../../units/durations.js';
import { openDevice } from '../authoring/workload.js';
import { FIELD } from './flow-frames.js';
import { FIRST_PORT, type FlowSet } from './flow-set.js';
import { lengthOf, tableOrders, type RssParameters } from './rss-parameters.js';
import { PHASE, type Schedule } from './rss-schedule.js';

const QUIET = ms(5);

/** What a core did between two looks, in ps. */
export interface CoreShare {
  readonly length: number;
  readonly softirq: number;
  readonly idle: number;
  /** Packets that its softirqs served, and those whose flow's state was warm. */
  readonly packets: number;
  readonly warm: number;
}

export interface ServerReport {
  /** Datagrams read, and those of them within the window. */
  readonly read: number;
  readonly inWindow: number;
  /** Datagrams that came after a later one of their flow; twice; that are not what was sent. */
  readonly late: number;
  readonly twice: number;
  readonly wrong: number;
  /** Of the lightly loaded phase: number, latency in ps, and stages of each packet. */
  readonly numbers: readonly number[];
  readonly latencies: readonly number[];
  readonly stages: readonly number[];
  /** While more was offered than could be served. */
  readonly core: CoreShare;
  /** Of the first program: what the device had counted when all was over. */
  readonly device: DeviceStatistics | null;
}

export interface ServerPlace {
  /** Its rank, which is its core's number, and the generator that conducts. */
  readonly program: number;
  readonly conductor: number;
  readonly servers: number;
}

/** Checks what comes of the flows of one program. */
class Inspection {
  read = 0;
  inWindow = 0;
  late = 0;
  twice = 0;
  wrong = 0;
  private readonly flows: FlowSet;
  private readonly program: number;
  private readonly size: number;
  /** By flow: the sequence number that was the highest so far, and 1. */
  private readonly expected: Uint32Array;
  private seen = new Uint8Array(1 << 12);

  constructor(flows: FlowSet, program: number, size: number) {
    this.flows = flows;
    this.program = program;
    this.size = size;
    this.expected = new Uint32Array(flows.count);
  }

  look(data: DataView, length: number): void {
    this.read++;
    const flow = data.getUint32(FIELD.flow);
    if (length !== this.size || this.flows.programs[flow] !== this.program) {
      this.wrong++;
      return;
    }
    const sequence = data.getUint32(FIELD.sequence);
    if (sequence >= this.expected[flow]!) this.expected[flow] = sequence + 1;
    else this.late++;
    this.mark(data.getUint32(FIELD.number));
  }

  private mark(number: number): void {
    const at = number >>> 3;
    const bit = 1 << (number & 7);
    if (at >= this.seen.length) {
      const wider = new Uint8Array(2 * at);
      wider.set(this.seen);
      this.seen = wider;
    }
    if ((this.seen[at]! & bit) !== 0) this.twice++;
    this.seen[at]! |= bit;
  }
}

/** What the core had done when it was looked at. */
class CoreClock {
  private readonly core: Core;
  private readonly looks: { at: number; counts: DeviceStatistics['cores'][number] }[] = [];

  constructor(core: Core) {
    this.core = core;
  }

  /** Looks for the `which`th time; a later look of the same number replaces it. */
  async look(which: number): Promise<void> {
    const { cores } = await this.core.networkDevice.statistics();
    const counts = cores.find(({ core }) => core === this.core.index)!;
    this.looks[which] = { at: this.core.now, counts };
  }

  share(): CoreShare {
    const [from, to] = [this.looks[0]!, this.looks[1]!];
    const packetsOf = ({ warm, moved, cold }: DeviceStatistics['cores'][number]): number =>
      warm + moved + cold;
    return {
      length: to.at - from.at,
      softirq: to.counts.taken - from.counts.taken,
      idle: to.counts.idle - from.counts.idle,
      packets: packetsOf(to.counts) - packetsOf(from.counts),
      warm: to.counts.warm - from.counts.warm,
    };
  }
}

/** Packets of the lightly loaded phase, one after the other. */
class LightLatencies {
  readonly numbers: number[] = [];
  readonly lengths: number[] = [];
  readonly stages: number[] = [];

  /** Packet `number`, which the core's operation belongs to, was read at `now`. */
  take(core: Core, number: number, now: number): void {
    this.numbers.push(number);
    this.lengths.push(now - core.operationStart);
    for (const ps of core.operationStages()) this.stages.push(ps);
  }
}

export async function serve(
  core: Core,
  params: RssParameters,
  flows: FlowSet,
  place: ServerPlace,
): Promise<ServerReport> {
  const { program, conductor, servers } = place;
  const { pd } = await openDevice(core);
  const network = await openNetwork(core, { path: 'kernel' });
  const socket = await network.udp(FIRST_PORT + program);
  const buffer = await pd.registerMemory(await core.allocate(2048), ACCESS.LOCAL_WRITE);
  const inspection = new Inspection(flows, program, params.size);
  const clock = new CoreClock(core);
  const latencies = new LightLatencies();
  if (program === 0) await prepareDevice(core, params);
  await core.tell(conductor, 'ready');
  const schedule = (await core.hear(conductor)) as Schedule;
  if (flows.programs.includes(program)) {
    const inbox: Inbox = { socket, buffer, inspection, latencies, clock };
    const looked = await readFlows(core, params, inbox, schedule);
    await core.tell(conductor, 'stopped');
    if (!looked) await clock.look(1);
    await emptySocket(core, inbox);
  } else {
    await watchIdle(core, clock, schedule);
    await core.tell(conductor, 'stopped');
  }
  let device: DeviceStatistics | null = null;
  if (program > 0) {
    await core.tell(0, 'over');
  } else {
    for (let other = 1; other < servers; other++) await core.hear(other);
    device = await core.networkDevice.statistics();
  }
  const { read, inWindow, late, twice, wrong } = inspection;
  const { numbers, lengths, stages } = latencies;
  return {
    ...{ read, inWindow, late, twice, wrong },
    ...{ numbers, latencies: lengths, stages },
    core: clock.share(),
    device,
  };
}

/** Where a program's datagrams come in, and what is made of them. */
interface Inbox {
  readonly socket: UdpSocket;
  readonly buffer: MemoryRegion;
  readonly inspection: Inspection;
  readonly latencies: LightLatencies;
  readonly clock: CoreClock;
}

/** Reads datagrams until the generator says stop. Whether the window was over by then, and the core looked at. */
async function readFlows(
  core: Core,
  params: RssParameters,
  { socket, buffer, inspection, latencies, clock }: Inbox,
  { windowStart, windowEnd }: Schedule,
): Promise<boolean> {
  const work = lengthOf(params.work);
  await clock.look(0);
  let looked = 0;
  for (;;) {
    const { length } = await socket.receive(buffer.address, buffer.length);
    const { now } = core;
    inspection.look(buffer.data, length);
    const phase = buffer.data.getUint8(FIELD.phase);
    if (phase === PHASE.stop) return looked === 2;
    if (phase === PHASE.light) {
      latencies.take(core, buffer.data.getUint32(FIELD.number), now);
    } else if (phase === PHASE.settle) {
      await settle(core, params);
    } else if (phase === PHASE.load) {
      if (now >= windowStart && now < windowEnd) inspection.inWindow++;
      if (looked < 2 && now >= windowEnd) {
        await clock.look(1);
        looked = 2;
      } else if (looked < 1 && now >= windowStart) {
        await clock.look(0);
        looked = 1;
      }
    }
    core.endOperation();
    if (work > 0) await core.work(work);
  }
}

/** A core that no flow belongs to: its program only looks at it, at both ends of the window. */
async function watchIdle(core: Core, clock: CoreClock, schedule: Schedule): Promise<void> {
  await core.sleepUntil(schedule.windowStart);
  await clock.look(0);
  await core.sleepUntil(schedule.windowEnd);
  await clock.look(1);
  await core.sleepUntil(schedule.drained);
}

/** Reads what may still have been on its way by another queue. */
async function emptySocket(core: Core, { socket, buffer, inspection }: Inbox): Promise<void> {
  for (let quiet = false; !quiet;) {
    await core.sleep(QUIET);
    quiet = true;
    for (;;) {
      const datagram = await socket.tryReceive(buffer.address, buffer.length);
      if (datagram === undefined) break;
      inspection.look(buffer.data, datagram.length);
      quiet = false;
    }
  }
}

/** Steering and table as the configuration has them at first. */
async function prepareDevice(core: Core, params: RssParameters): Promise<void> {
  const { steering, table, queues } = params;
  const { weights } = tableOrders(table, queues);
  await core.networkDevice.change({ what: 'steering', mode: steering });
  if (weights !== undefined) await core.networkDevice.change({ what: 'weight', weights });
}

/** Between the two phases, when no frame is under way: the operator makes the table equal. */
async function settle(core: Core, params: RssParameters): Promise<void> {
  if (!tableOrders(params.table, params.queues).repaired) return;
  core.count('tables_repaired');
  await core.networkDevice.change({ what: 'equal', count: params.queues });
}
