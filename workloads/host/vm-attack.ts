/**
 * The programs of `host/vm-queues` that meet in memory. The attacker drives a queue of raw frames by bus addresses, in
 * the manner of VFIO. Machines have as much memory each, one after another, so it knows where its neighbour's is. It
 * has the NIC read there and send it what it found; then it sends frames to itself and has the NIC put them there.
 */
import type {
  CompletionQueue,
  Core,
  Instant,
  QueuePair,
  Sge,
  WorkCompletion,
} from '../../node/program/verbs.js';
import { vmMac } from '../../units/address.js';
import { lkey } from '../../units/keys.js';
import { PS_PER_US } from '../../units/time.js';
import { openDevice } from '../authoring/workload.js';
import { ATTACK_RANK, MACHINE_MEMORY, NOISY } from './vm-plan.js';
import { MOST_ATTEMPTS, type AttackParameters } from './vm-queues-parameters.js';

export interface AttackerReport {
  /** Bytes of the other machine that came back in its own frames. */
  readonly stolen: number;
  /** Bytes of it that were sent, also in frames that were lost. */
  readonly left: number;
  /** What the emulator says was written over in somebody else's memory, and read there. */
  readonly recordedRuined: number;
  readonly recordedRead: number;
  /** Faults that the IOMMU told the driver of, and requests that failed. */
  readonly faults: number;
  readonly refused: number;
}

export interface VictimReport {
  /** Bytes of its memory that are not what it wrote there, and those of them that no attack explains. */
  readonly ruined: number;
  readonly unexplained: number;
}

const PAGE = 4096;
/** What the victim has: more than the attacker reaches. */
const VICTIM_PAGES = 4 * MOST_ATTEMPTS;
const SECRET = 0xa5;
const RUBBISH = 0xee;
const HEADER = 14;
export const PAYLOAD = 512;
/** Where in a page. */
const OFFSET = 1000;
/** Of the attacker's page: a header and rubbish to send, and where frames that it may have come. */
const SEND_AT = 0;
const RECEIVE_AT = 2048;
/** After that a frame to itself is lost. */
const PATIENCE = 100 * PS_PER_US;
const QUEUES = { maxSendSge: 2, maxRecvSge: 2, maxSendWr: 4, maxRecvWr: 4 };

export async function victim(core: Core): Promise<VictimReport> {
  const memory = await core.mmap(VICTIM_PAGES * PAGE);
  await core.write(memory.address, new Uint8Array(memory.length).fill(SECRET));
  await core.tell(ATTACK_RANK.attacker, 'ready');
  await core.hear(ATTACK_RANK.attacker);
  const bytes = await core.read(memory.address, memory.length);
  return {
    ruined: bytes.reduce((sum, byte) => (byte === SECRET ? sum : sum + 1), 0),
    unexplained: bytes.reduce(
      (sum, byte) => (byte === SECRET || byte === RUBBISH ? sum : sum + 1),
      0,
    ),
  };
}

export async function attacker(
  core: Core,
  { iommu, attempts }: AttackParameters,
): Promise<AttackerReport> {
  const attack = await Attack.open(core, iommu === 'on');
  await core.hear(ATTACK_RANK.victim);
  let stolen = 0;
  for (let page = 0; page < attempts; page++) stolen += await attack.readFrom(page);
  for (let page = 0; page < attempts; page++) await attack.writeInto(page);
  const hazards = await core.dmaHazards();
  const recorded = (which: 'read' | 'write'): number =>
    hazards.reduce((sum, { kind, length }) => (kind === which ? sum + length : sum), 0);
  const faults = (await core.iommuFaults()).length;
  await core.tell(ATTACK_RANK.victim, 'done');
  const [recordedRuined, recordedRead] = [recorded('write'), recorded('read')];
  const { left, refused } = attack;
  return { stolen, left, recordedRuined, recordedRead, faults, refused };
}

class Attack {
  /** Requests that failed; bytes that left its neighbour's memory, those of frames that were lost too. */
  refused = 0;
  left = 0;
  private readonly core: Core;
  private readonly qp: QueuePair;
  private readonly sendCq: CompletionQueue;
  private readonly recvCq: CompletionQueue;
  /** Its own page, as the program and as the NIC name it; where its neighbour's memory lies. */
  private readonly own: number;
  private readonly bus: number;
  private readonly nextDoor: number;

  private constructor(
    core: Core,
    qp: QueuePair,
    sendCq: CompletionQueue,
    recvCq: CompletionQueue,
    page: { readonly own: number; readonly bus: number; readonly physical: number },
  ) {
    this.core = core;
    this.qp = qp;
    this.sendCq = sendCq;
    this.recvCq = recvCq;
    this.own = page.own;
    this.bus = page.bus;
    this.nextDoor = page.physical - MACHINE_MEMORY + OFFSET;
  }

  static async open(core: Core, iommu: boolean): Promise<Attack> {
    const { context, pd } = await openDevice(core);
    const [sendCq, recvCq] = [await context.createCq(8), await context.createCq(8)];
    const options = { sendCq, recvCq, cap: QUEUES, busAddresses: true };
    const qp = await pd.createQp({ type: 'RAW_PACKET', ...options });
    await start(qp);
    await qp.attachFlow({});
    const page = await core.mmap(PAGE);
    const mac = vmMac(0, NOISY);
    const frame = new Uint8Array(HEADER + PAYLOAD).fill(RUBBISH);
    frame.set([...mac, ...mac, 0x88, 0xb6]);
    await core.write(page.address + SEND_AT, frame);
    if (iommu) await core.mapDma(page);
    const physical = (await core.pin(page)).pages[0]!;
    const bus = iommu ? page.address : physical;
    return new Attack(core, qp, sendCq, recvCq, { own: page.address, bus, physical });
  }

  /** Sends what is in its neighbour's page `page` to itself: how much of that was its neighbour's. */
  async readFrom(page: number): Promise<number> {
    const there = this.nextDoor + page * PAGE;
    const receive = [sge(this.bus + RECEIVE_AT, HEADER + PAYLOAD)];
    const send = [sge(this.bus + SEND_AT, HEADER), sge(there, PAYLOAD)];
    if (!(await this.carry(receive, send))) return 0;
    const bytes = await this.core.read(this.own + RECEIVE_AT + HEADER, PAYLOAD);
    return bytes.reduce((sum, byte) => (byte === SECRET ? sum + 1 : sum), 0);
  }

  /** Has the payload of a frame to itself put into its neighbour's page `page`. */
  async writeInto(page: number): Promise<void> {
    const there = this.nextDoor + page * PAGE;
    const receive = [sge(this.bus + RECEIVE_AT, HEADER), sge(there, PAYLOAD)];
    await this.carry(receive, [sge(this.bus + SEND_AT, HEADER + PAYLOAD)]);
  }

  /** Sends a frame to itself, again if it is lost: false if either end of the way was refused. */
  private async carry(receive: readonly Sge[], send: readonly Sge[]): Promise<boolean> {
    const { core, qp, sendCq, recvCq } = this;
    qp.postRecv({ sges: receive });
    for (;;) {
      qp.postSend({ opcode: 'SEND', sges: send });
      if ((await sendCq.busyPoll())[0]!.status !== 'SUCCESS') break;
      if (send.length > 1) this.left += PAYLOAD;
      const late = core.until((core.now + PATIENCE) as Instant);
      const { index, value } = await core.any<unknown>([recvCq.polled(), late]);
      if (index === 1) continue;
      if ((value as WorkCompletion[])[0]!.status === 'SUCCESS') return true;
      break;
    }
    this.refused++;
    await this.restart();
    return false;
  }

  private async restart(): Promise<void> {
    await this.qp.modify({ state: 'RESET' });
    await start(this.qp);
  }
}

async function start(qp: QueuePair): Promise<void> {
  await qp.modify({ state: 'INIT', port: 1 });
  await qp.modify({ state: 'RTR' });
  await qp.modify({ state: 'RTS' });
}

/** No key is looked at. */
const sge = (address: number, length: number): Sge => ({ address, length, lkey: lkey(0) });
