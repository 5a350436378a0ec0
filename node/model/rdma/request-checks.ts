/**
 * The checks of a request, in their order. Each answers with null, and the request goes on to the next, or with the
 * refusal that ends it:
 *
 *     checkPsn -> checkOpSequence -> checkOperation -> checkLength -> checkResource -> checkKey -> execute
 *
 * A check takes nothing, sends nothing and counts nothing. It looks, and leaves in the message what it has found: the
 * buffers of the next receive, the memory behind a key. What a refusal entails is the responder's.
 */
import { psnDistance, type Psn } from '../../../units/psn.js';
import { NAK } from '../../../wire/aeth.js';
import { parseAtomicEth } from '../../../wire/atomic-eth.js';
import {
  EXTENSION,
  EXTENSION_BITS,
  HAS_IMMEDIATE,
  IS_END,
  IS_START,
} from '../../../wire/opcode-table.js';
import type { FrameSlot } from '../fabric/frame-slot.js';
import type { Frame } from '../fabric/frame.js';
import { ArrivingMessage, NEVER } from './arriving-message.js';
import type { EngineParts } from './engine-parts.js';
import { ABSENT, REFUSED } from './memory-region.js';
import { extensionsAt } from './packet.js';
import type { QueuePair } from './queue-pair.js';
import type { ReceiveSource } from './receive-source.js';
import { ACCESS_OF_GROUP, GROUP, GROUP_OF } from './request-group.js';
import { ResponderResources } from './responder-resources.js';
import { MAX_MESSAGE } from './work-queue-entry.js';

type CheckName =
  'checkPsn' | 'checkOpSequence' | 'checkOperation' | 'checkLength' | 'checkResource' | 'checkKey';

/** What a refused request is answered with. */
type Answer = 'duplicate' | 'sequence' | 'not ready' | 'nak';

/** How a check refuses. Each is made once. */
export interface Refusal {
  readonly check: CheckName;
  readonly answer: Answer;
  /** The syndrome of a NAK. */
  readonly syndrome: number;
  /** In words. */
  readonly says: string;
}

/** A request, and what its queue pair's responder knows when it comes. */
export class RequestContext {
  readonly qp: QueuePair;
  readonly receives: ReceiveSource;
  readonly parts: Pick<EngineParts, 'memory' | 'regions' | 'profile' | 'pool'>;
  readonly message = new ArrivingMessage();
  readonly resources = new ResponderResources();
  expectedPsn = 0 as Psn;
  /** The request that is looked at: its kind of work, and whether it is a message's first packet and its last. */
  slot = 0;
  packet!: Frame;
  group: number = GROUP.none;
  starts = false;
  ends = false;

  constructor(
    qp: QueuePair,
    receives: ReceiveSource,
    parts: Pick<EngineParts, 'memory' | 'regions' | 'profile' | 'pool'>,
  ) {
    this.qp = qp;
    this.receives = receives;
    this.parts = parts;
  }

  /** `packet`, in frame `slot`, is the next request; false if it is none of a reliable connection. */
  begin(slot: FrameSlot, packet: Frame): boolean {
    const { opcode } = packet;
    this.slot = slot;
    this.packet = packet;
    this.group = GROUP_OF[opcode]!;
    this.starts = IS_START[opcode] === 1;
    this.ends = IS_END[opcode] === 1;
    if (this.group === GROUP.atomic) {
      const { pool } = this.parts;
      parseAtomicEth(pool.view, extensionsAt(pool, slot), this.message.atomic);
    }
    return this.group !== GROUP.none;
  }

  get hasImmediate(): boolean {
    return HAS_IMMEDIATE[this.packet.opcode] === 1;
  }
}

/** The message has no receive, or the pages of one are being brought in: come again. */
const later = (check: CheckName, says: string): Refusal => ({
  check,
  answer: 'not ready',
  syndrome: 0,
  says: `RNR NAK: ${says}`,
});
const nak = (check: CheckName, syndrome: number, says: string): Refusal => ({
  check,
  answer: 'nak',
  syndrome,
  says: `NAK ${NAK_NAMES[syndrome]}: ${says}`,
});
const NAK_NAMES: Readonly<Record<number, string>> = {
  [NAK.INVALID_REQUEST]: 'invalid request',
  [NAK.REMOTE_ACCESS]: 'remote access',
  [NAK.REMOTE_OPERATIONAL]: 'remote operational',
};

const DUPLICATE: Refusal = {
  check: 'checkPsn',
  answer: 'duplicate',
  syndrome: 0,
  says: 'duplicate: answered again',
};
const OUT_OF_SEQUENCE: Refusal = {
  check: 'checkPsn',
  answer: 'sequence',
  syndrome: NAK.PSN_SEQUENCE,
  says: 'NAK PSN sequence: packets before it are missing',
};
const NOT_IN_ORDER = nak('checkOpSequence', NAK.INVALID_REQUEST, 'opcode out of sequence');
const NO_ACCESS = nak('checkOperation', NAK.REMOTE_ACCESS, 'access flags of the queue pair');
const NO_OPERATION = nak('checkOperation', NAK.INVALID_REQUEST, 'not on this queue pair');
const WRONG_LENGTH = nak('checkLength', NAK.INVALID_REQUEST, 'length');
const NOT_ALIGNED = nak('checkLength', NAK.INVALID_REQUEST, 'atomic address not 8-byte aligned');
const NO_RECEIVE = later('checkResource', 'no receive posted');
export const RECEIVE_PAGED_OUT = later('checkResource', 'page fault on the receive');
export const RECEIVE_NOT_OURS = nak('checkResource', NAK.REMOTE_OPERATIONAL, 'SGE of the receive');
export const RECEIVE_TOO_SHORT = nak('checkResource', NAK.INVALID_REQUEST, 'receive too short');
const TOO_MANY_READS = nak(
  'checkResource',
  NAK.INVALID_REQUEST,
  'more READs and atomics at once than max_dest_rd_atomic',
);
const NO_MEMORY = nak('checkKey', NAK.REMOTE_ACCESS, 'key, address or access of the region');
export const MEMORY_PAGED_OUT = later('checkKey', 'page fault on the region');

/** A duplicate has a PSN that was expected before, and what comes too early shows a gap (IBTA 9.7.5.1, 9.7.5.2.1). */
function checkPsn({ packet, expectedPsn }: RequestContext): Refusal | null {
  const distance = psnDistance(packet.psn as Psn, expectedPsn);
  if (distance === 0) return null;
  return distance > 0 ? OUT_OF_SEQUENCE : DUPLICATE;
}

/** A MIDDLE or LAST continues a message of its group; a FIRST or ONLY begins one only when none is in progress. */
function checkOpSequence({ starts, group, message }: RequestContext): Refusal | null {
  return message.group === (starts ? GROUP.none : group) ? null : NOT_IN_ORDER;
}

/** The queue pair's own access flags (rule 89). */
function checkOperation(context: RequestContext): Refusal | null {
  const { qp, group, packet, parts } = context;
  const needed = ACCESS_OF_GROUP[group]!;
  if ((qp.attributes.accessFlags & needed) !== needed) {
    return parts.profile.nic.qpAccessNak === 'remote_access' ? NO_ACCESS : NO_OPERATION;
  }
  // There are no memory windows, so nothing that a SEND could invalidate.
  return (EXTENSION_BITS[packet.opcode]! & EXTENSION.ieth) === 0 ? null : NO_OPERATION;
}

/**
 * FIRST and MIDDLE are exactly one MTU, LAST 1 to one MTU, a WRITE as long as its RETH said (rule 109); READ requests
 * and atomics carry nothing, and an atomic's 8 bytes are aligned.
 */
function checkLength({ qp, starts, ends, group, packet, message }: RequestContext): Refusal | null {
  const size = packet.payloadLength;
  const { pathMtu } = qp.attributes;
  if (!ends && size !== pathMtu) return WRONG_LENGTH;
  if (size > pathMtu || (ends && !starts && size === 0)) return WRONG_LENGTH;
  if (group === GROUP.send) return null;
  if (group === GROUP.write) {
    const length = starts ? packet.dmaLength : message.length;
    const at = (starts ? 0 : message.offset) + size;
    return length > MAX_MESSAGE || (ends ? at !== length : at >= length) ? WRONG_LENGTH : null;
  }
  if (size !== 0) return WRONG_LENGTH;
  if (group === GROUP.atomic) return message.atomic.vaLow % 8 === 0 ? null : NOT_ALIGNED;
  return packet.dmaLength > MAX_MESSAGE ? WRONG_LENGTH : null;
}

/**
 * A SEND needs a receive that it fits in, the last packet of a WRITE with immediate needs any, and a READ or an atomic
 * one of the resources that max_dest_rd_atomic allows (rule 101).
 */
function checkResource(context: RequestContext): Refusal | null {
  const { group, receives, resources } = context;
  if (group >= GROUP.read) return resources.available ? null : TOO_MANY_READS;
  if (group === GROUP.send) return checkReceive(context);
  return group === GROUP.write && context.hasImmediate && receives.empty ? NO_RECEIVE : null;
}

function checkReceive(context: RequestContext): Refusal | null {
  const { qp, receives, starts, packet, message, parts } = context;
  const { receive } = message;
  if (starts && receives.empty) return NO_RECEIVE;
  const { memory, regions } = parts;
  const isUsable = starts
    ? receive.look(receives, memory, regions, qp.pd)
    : receive.holds(memory, regions, qp.pd);
  if (!isUsable) return receive.absent ? RECEIVE_PAGED_OUT : RECEIVE_NOT_OURS;
  const end = (starts ? 0 : message.offset) + packet.payloadLength;
  return end <= receive.length ? null : RECEIVE_TOO_SHORT;
}

/**
 * The memory that a WRITE, READ or atomic names is behind the key, in the queue pair's protection domain and open to
 * it. A region may go while a message is written to it (rule 28).
 */
function checkKey(context: RequestContext): Refusal | null {
  const { group, starts, packet, message, parts } = context;
  if (group === GROUP.send) return null;
  if (starts) message.name(group, packet);
  else if (message.generation === parts.regions.generation) return null;
  return resolve(context);
}

function resolve({ qp, group, message, parts }: RequestContext): Refusal | null {
  const { regions } = parts;
  const { rkey, address, length } = message;
  message.generation = NEVER;
  message.physical = 0;
  // What names no bytes names no memory: neither key nor address is looked at (rule 73).
  if (length === 0) return null;
  message.physical = regions.resolve(rkey, qp.pd, address, length, ACCESS_OF_GROUP[group]!);
  if (message.physical === ABSENT) return MEMORY_PAGED_OUT;
  // An atomic is on one place.
  if (message.physical === REFUSED || (group === GROUP.atomic && message.physical < 0)) {
    return NO_MEMORY;
  }
  message.generation = regions.generation;
  return null;
}

/** The refusal of the first check that does not let the request go on; null if it may be executed. */
export const refusalOf = (context: RequestContext): Refusal | null =>
  checkPsn(context) ??
  checkOpSequence(context) ??
  checkOperation(context) ??
  checkLength(context) ??
  checkResource(context) ??
  checkKey(context);
