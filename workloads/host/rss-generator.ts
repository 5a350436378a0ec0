/**
 * The packet generator of `host/rss`: queue pairs of raw frames, one on each of its cores. It sends what it is asked to
 * at the times it is asked to, whatever becomes of it.
 */
import {
  ACCESS,
  type Core,
  type Instant,
  type QueuePair,
  type SendWr,
} from '../../node/program/verbs.js';
import { PS_PER_MS, PS_PER_US } from '../../units/time.js';
import { openDevice } from '../authoring/workload.js';
import { emitTemplate, emitVariable, PAYLOAD_AT } from './flow-frames.js';
import type { FlowSet } from './flow-set.js';
import type { RssParameters } from './rss-parameters.js';
import {
  GENERATOR_HOST,
  lightInterval,
  PHASE,
  scheduleFrom,
  sequenceBase,
  SERVER_HOST,
  warmPackets,
  type Schedule,
} from './rss-schedule.js';

/** Frames that one doorbell sends, and places for frames. */
const BATCH = 32;
const BATCHES = 32;
const STOP_AGAIN = 20 * PS_PER_MS;
const STOP_ATTEMPTS = 100;
const LEAD = PS_PER_MS;

export interface GeneratorReport {
  /** By flow. */
  readonly sent: Uint32Array;
  /** Sent while more was offered than could be served. */
  readonly load: number;
}

export interface GeneratorPlace {
  /** Its number among the generators, and how many there are. */
  readonly number: number;
  readonly of: number;
  /** Rank of the first one, which conducts; the servers have the ranks from 0 on. */
  readonly conductor: number;
  readonly servers: number;
}

class FrameSource {
  readonly sent: Uint32Array;
  private readonly flows: FlowSet;
  private readonly view: DataView;
  private readonly stride: number;
  private readonly payload: number;
  private readonly qp: QueuePair;
  private readonly batches: readonly (readonly SendWr[])[];
  private readonly singles: readonly SendWr[];
  private batch = 0;
  private number: number;
  private readonly step: number;

  private constructor(
    view: DataView,
    stride: number,
    payload: number,
    qp: QueuePair,
    requests: readonly SendWr[],
    flows: FlowSet,
    { number, of }: GeneratorPlace,
  ) {
    this.view = view;
    this.stride = stride;
    this.payload = payload;
    this.qp = qp;
    this.singles = requests;
    this.batches = Array.from({ length: BATCHES }, (_, i) =>
      requests.slice(i * BATCH, (i + 1) * BATCH),
    );
    this.flows = flows;
    this.sent = new Uint32Array(flows.count);
    this.number = number;
    this.step = of;
  }

  static async open(
    core: Core,
    payload: number,
    flows: FlowSet,
    place: GeneratorPlace,
  ): Promise<{ source: FrameSource; reap: () => Promise<unknown> }> {
    const { context, pd } = await openDevice(core);
    const stride = Math.ceil((PAYLOAD_AT + payload) / 64) * 64;
    const count = BATCH * BATCHES;
    const region = await pd.registerMemory(await core.allocate(count * stride), ACCESS.LOCAL_WRITE);
    const cq = await context.createCq(2 * count);
    const cap = { maxSendWr: count };
    const qp = await pd.createQp({ type: 'RAW_PACKET', sendCq: cq, recvCq: cq, cap });
    await qp.modify({ state: 'INIT', port: 1 });
    await qp.modify({ state: 'RTR' });
    await qp.modify({ state: 'RTS' });
    const requests = Array.from({ length: count }, (_, i): SendWr => {
      emitTemplate(region.data, i * stride, GENERATOR_HOST, SERVER_HOST, payload);
      return {
        opcode: 'SEND',
        sges: [region.sge(i * stride, PAYLOAD_AT + payload)],
        signaled: i % BATCH === BATCH - 1,
      };
    });
    const source = new FrameSource(region.data, stride, payload, qp, requests, flows, place);
    return { source, reap: () => cq.poll(BATCHES) };
  }

  /** A batch, each frame of a flow that `choose` names. */
  sendBatch(choose: () => number, phase: number): void {
    const first = this.batch * BATCH;
    for (let i = 0; i < BATCH; i++) this.write(first + i, choose(), phase);
    this.qp.postSendList(this.batches[this.batch]!);
    this.batch = (this.batch + 1) % BATCHES;
  }

  /** A batch's place sent frame by frame, so that the last of a batch has the completion. */
  sendOne(flow: number, phase: number): void {
    this.write(this.single, flow, phase);
    this.qp.postSend(this.singles[this.single]!);
    this.single = (this.single + 1) % this.singles.length;
    this.batch = Math.ceil(this.single / BATCH) % BATCHES;
  }

  private single = 0;

  private write(place: number, flow: number, phase: number): void {
    const ports = this.flows.ports[flow]!;
    const sequence = sequenceBase(phase) + this.sent[flow]!++;
    const at = place * this.stride;
    emitVariable(this.view, at, this.payload, ports, flow, sequence, this.number, phase);
    this.number += this.step;
  }
}

/** Plays generator `place`, and answers what it sent. */
export async function generate(
  core: Core,
  params: RssParameters,
  flows: FlowSet,
  place: GeneratorPlace,
): Promise<GeneratorReport> {
  const { source, reap } = await FrameSource.open(core, params.size, flows, place);
  const conducts = place.number === 0;
  const schedule = conducts ? await agree(core, params, place) : await agreed(core, place);
  if (conducts) await sendLightly(core, params, source, schedule, flows, reap);
  const load = await overload(core, params, source, schedule, flows, place, reap);
  if (conducts) await stop(core, source, schedule, flows, place, reap);
  return { sent: source.sent, load };
}

/** Tells everybody when what begins. */
async function agree(
  core: Core,
  params: RssParameters,
  { conductor, servers, of }: GeneratorPlace,
): Promise<Schedule> {
  const others = [
    ...Array.from({ length: servers }, (_, rank) => rank),
    ...Array.from({ length: of - 1 }, (_, index) => conductor + 1 + index),
  ];
  for (const rank of others) await core.hear(rank);
  const schedule = scheduleFrom((core.now + LEAD) as Instant, params);
  for (const rank of others) await core.tell(rank, schedule);
  return schedule;
}

async function agreed(core: Core, { conductor }: GeneratorPlace): Promise<Schedule> {
  await core.tell(conductor, 'ready');
  return (await core.hear(conductor)) as Schedule;
}

/**
 * One packet after another at random intervals; each is an operation whose latency is measured. To warm up the flows
 * take turns, then each packet is of a random one: turns of flows and turns of queues would meet.
 */
async function sendLightly(
  core: Core,
  params: RssParameters,
  source: FrameSource,
  { light, settled }: Schedule,
  flows: FlowSet,
  reap: () => Promise<unknown>,
): Promise<void> {
  const warm = warmPackets(params);
  const mean = lightInterval(params);
  let at: number = light;
  for (let i = 0; i < warm + params.iterations; i++) {
    at += Math.ceil(-mean * Math.log(1 - core.random()));
    await core.sleepUntil(at as Instant);
    core.beginOperation(at as Instant);
    if (i < warm) source.sendOne(i % flows.count, PHASE.warm);
    else source.sendOne(Math.floor(core.random() * flows.count), PHASE.light);
    core.endOperation();
    if (i % BATCH === BATCH - 1) await reap();
  }
  await core.sleepUntil(settled);
  source.sendOne(0, PHASE.settle);
}

/** Batches at a steady pace, each packet of a flow drawn at random among this generator's. */
async function overload(
  core: Core,
  params: RssParameters,
  source: FrameSource,
  { load, windowEnd }: Schedule,
  flows: FlowSet,
  { number, of, servers }: GeneratorPlace,
  reap: () => Promise<unknown>,
): Promise<number> {
  const own = Math.ceil((flows.count - number) / of);
  if (own <= 0) return 0;
  const sharers = Math.min(of, flows.count);
  const interval = (BATCH * PS_PER_US * sharers) / (params.offered * servers);
  const choose = (): number => number + of * Math.floor(core.random() * own);
  let batches = 0;
  for (; ; batches++) {
    const at = Math.ceil(load + (batches + number / of) * interval);
    if (at >= windowEnd) break;
    await core.sleepUntil(at as Instant);
    source.sendBatch(choose, PHASE.load);
    await reap();
  }
  return batches * BATCH;
}

/**
 * When all is read, tells each program over a flow of its own that it was the last packet, until it says that it heard.
 */
async function stop(
  core: Core,
  source: FrameSource,
  { drained }: Schedule,
  flows: FlowSet,
  { servers }: GeneratorPlace,
  reap: () => Promise<unknown>,
): Promise<void> {
  await core.sleepUntil(drained);
  const left = new Set(Array.from({ length: servers }, (_, rank) => rank));
  for (let attempt = 0; left.size > 0 && attempt < STOP_ATTEMPTS; attempt++) {
    for (const rank of left) {
      // Who reads no flow at all waits for nothing.
      const flow = flows.programs.indexOf(rank);
      if (flow >= 0) source.sendOne(flow, PHASE.stop);
    }
    await reap();
    const ranks = [...left];
    const again = (core.now + STOP_AGAIN) as Instant;
    while (left.size > 0) {
      const { index } = await core.any<unknown>([
        core.until(again),
        ...ranks.map((rank) => core.heard(rank)),
      ]);
      if (index === 0) break;
      left.delete(ranks[index - 1]!);
    }
  }
}
