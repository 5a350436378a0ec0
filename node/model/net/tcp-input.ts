/**
 * What an arriving segment does to a connection: the checks of RFC 9293 3.10.7 in order, with RFC 5961's and RFC
 * 7323's.
 */
import { TCP_FLAG } from '../../../wire/tcp.js';
import { LARGEST_SCALE } from '../../../wire/tcp-options.js';
import { addSequence, isAfter, isBefore, sequenceDistance } from './sequence.js';
import type { TcpLayer } from './tcp-layer.js';
import type { TcpSegment } from './tcp-segment.js';
import type { TcpSocket } from './tcp-socket.js';

/** What timestamps take of each segment. */
const TIMESTAMP_BYTES = 12;

/** The answer is false if the segment belongs to no connection after all, and is a reset's due. */
export function segmentArrives(
  layer: TcpLayer,
  socket: TcpSocket,
  segment: TcpSegment,
  now: number,
): boolean {
  if (socket.state === 'CLOSED') return false;
  const isKnown =
    socket.state === 'SYN_SENT'
      ? inSynSent(layer, socket, segment, now)
      : inSynchronized(layer, socket, segment, now);
  socket.settle();
  return isKnown;
}

/** RFC 9293 3.10.7.3. */
function inSynSent(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment, now: number): boolean {
  const { sender, receiver } = socket;
  const { header } = segment;
  const hasAck = segment.has(TCP_FLAG.ACK);
  if (
    hasAck &&
    (!isAfter(header.acknowledgment, sender.una) || isAfter(header.acknowledgment, sender.next))
  ) {
    return segment.has(TCP_FLAG.RST);
  }
  if (segment.has(TCP_FLAG.RST)) {
    if (hasAck) {
      layer.counters.tcp_attempt_fails++;
      socket.fail('ECONNREFUSED');
    }
    return true;
  }
  if (!segment.has(TCP_FLAG.SYN)) return true;
  agree(socket, segment, now);
  if (!hasAck) {
    // Both sides have called at once.
    socket.state = 'SYN_RECEIVED';
    layer.writer.write(socket, sender.una, socket.synFlags, 0, 0, now);
    return true;
  }
  sender.acknowledge(segment, now);
  socket.establish();
  // Data that waits takes the ACK along.
  receiver.acks.urge();
  sender.output(now);
  socket.considerAck(now);
  return true;
}

/** What the peer's SYN says, and what of our offers it has taken up. */
export function agree(socket: TcpSocket, segment: TcpSegment, now: number): void {
  const { sender, receiver } = socket;
  const { options, header } = segment;
  receiver.begin(header.sequence, now);
  socket.hasTimestamps &&= options.timestamp;
  socket.hasSack &&= options.sackPermitted;
  socket.hasScaling &&= options.scale >= 0;
  if (socket.hasTimestamps) receiver.recentTimestamp = options.timestampValue;
  if (socket.hasScaling) sender.scale = Math.min(options.scale, LARGEST_SCALE);
  else receiver.scale = 0;
  sender.settle(segment, socket.largestSegment, socket.hasTimestamps ? TIMESTAMP_BYTES : 0);
  sender.window = sender.largestWindow = header.window;
}

/** RFC 9293 3.10.7.4. */
function inSynchronized(
  layer: TcpLayer,
  socket: TcpSocket,
  segment: TcpSegment,
  now: number,
): boolean {
  const { sender, receiver } = socket;
  const { header } = segment;
  if (socket.state === 'TIME_WAIT') return inTimeWait(layer, socket, segment, now);
  if (!checkTimestamp(layer, socket, segment, now)) return true;
  if (!receiver.isAcceptable(header.sequence, segment.end)) {
    layer.counters.tcp_unacceptable_segments++;
    if (!segment.has(TCP_FLAG.RST)) answerInvalid(layer, socket, segment, now);
    return true;
  }
  if (segment.has(TCP_FLAG.RST)) {
    if (header.sequence === receiver.next) reset(layer, socket);
    else challenge(layer, socket, now);
    return true;
  }
  if (segment.has(TCP_FLAG.SYN)) {
    // The peer's own SYN once more; any other is a stranger's (RFC 5961 4).
    const isRepeated = addSequence(header.sequence, 1) === receiver.next;
    if (socket.state !== 'SYN_RECEIVED' || !isRepeated) {
      challenge(layer, socket, now);
      return true;
    }
    // It has not got our answer; with an ACK it is the answer to ours, as both have called at once.
    if (!segment.has(TCP_FLAG.ACK)) {
      layer.writer.write(socket, sender.una, socket.synFlags, 0, 0, now);
      return true;
    }
  }
  if (!segment.has(TCP_FLAG.ACK)) return true;
  if (socket.state === 'SYN_RECEIVED' && !completeHandshake(layer, socket, segment)) {
    return isAcceptableAck(socket, header.acknowledgment);
  }
  const isAccepted = checkAck(layer, socket, segment, now);
  if (!isAccepted) return true;
  sender.acknowledge(segment, now);
  noteTimestamp(socket, segment);
  if (!finAcknowledged(layer, socket, now)) return true;
  if (!takeData(layer, socket, segment, now)) return true;
  if (socket.maySend) sender.output(now);
  socket.considerAck(now);
  return true;
}

/** PAWS: a segment older than the newest that was taken is from another life (RFC 7323 5). */
function checkTimestamp(
  layer: TcpLayer,
  socket: TcpSocket,
  segment: TcpSegment,
  now: number,
): boolean {
  const { options } = segment;
  if (!socket.hasTimestamps || !options.timestamp) return true;
  if (sequenceDistance(options.timestampValue, socket.receiver.recentTimestamp) >= 0) return true;
  if (segment.has(TCP_FLAG.RST)) return true;
  layer.counters.tcp_paws_rejected++;
  answerInvalid(layer, socket, segment, now);
  return false;
}

/** TS.Recent follows segments that reach to what was acknowledged last (RFC 7323 4.3). */
function noteTimestamp(socket: TcpSocket, segment: TcpSegment): void {
  const { receiver } = socket;
  const { options, header } = segment;
  if (!socket.hasTimestamps || !options.timestamp) return;
  if (isAfter(header.sequence, receiver.acknowledged)) return;
  if (sequenceDistance(options.timestampValue, receiver.recentTimestamp) > 0) {
    receiver.recentTimestamp = options.timestampValue;
  }
}

/**
 * Tells the sender of an unacceptable segment where we are; rate-limited, or two stacks would answer each other without
 * end.
 */
function answerInvalid(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment, now: number): void {
  // Segments with data are no answers to answers.
  if (segment.length > 0 && !segment.has(TCP_FLAG.SYN)) {
    const { receiver } = socket;
    if (isBefore(segment.header.sequence, receiver.next)) {
      const { sequence } = segment.header;
      receiver.duplicateFrom = sequence;
      receiver.duplicateTo = isBefore(segment.end, receiver.next) ? segment.end : receiver.next;
    }
    receiver.acks.receivedAgain(receiver.offered);
    socket.considerAck(now);
    return;
  }
  challenge(layer, socket, now);
}

function challenge(layer: TcpLayer, socket: TcpSocket, now: number): void {
  if (now - socket.lastChallenge < layer.tuning.invalidRateLimit) return;
  socket.lastChallenge = now;
  layer.counters.tcp_challenge_acks++;
  socket.acknowledge(now);
}

function reset(layer: TcpLayer, socket: TcpSocket): void {
  if (socket.state === 'SYN_RECEIVED') layer.counters.tcp_attempt_fails++;
  else layer.counters.tcp_established_resets++;
  switch (socket.state) {
    case 'SYN_RECEIVED':
      socket.fail('ECONNREFUSED');
      break;
    case 'CLOSE_WAIT':
      socket.fail('EPIPE');
      break;
    case 'CLOSED':
    case 'SYN_SENT':
    case 'ESTABLISHED':
    case 'FIN_WAIT_1':
    case 'FIN_WAIT_2':
    case 'CLOSING':
    case 'TIME_WAIT':
    case 'LAST_ACK':
      socket.fail('ECONNRESET');
      break;
  }
}

const isAcceptableAck = ({ sender }: TcpSocket, ack: number): boolean =>
  isAfter(ack, sender.una) && !isAfter(ack, sender.next);

/** The third segment of the handshake; false if it is not that, or the listener has no room for the connection. */
function completeHandshake(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment): boolean {
  if (!isAcceptableAck(socket, segment.header.acknowledgment)) return false;
  const { parent } = socket;
  if (parent !== undefined && parent.isFull) {
    // As if it had not come: our SYN and ACK will be sent again, and by then there may be room.
    layer.counters.tcp_listen_overflows++;
    return false;
  }
  socket.establish();
  if (parent !== undefined) parent.established(socket);
  return true;
}

/** RFC 5961 5: an ACK is of what we sent, and not of long ago. */
function checkAck(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment, now: number): boolean {
  const { sender } = socket;
  const { acknowledgment } = segment.header;
  if (isAfter(acknowledgment, sender.next)) {
    challenge(layer, socket, now);
    return false;
  }
  if (sequenceDistance(sender.una, acknowledgment) > Math.max(sender.largestWindow, 0xffff)) {
    challenge(layer, socket, now);
    return false;
  }
  return true;
}

/** What an acknowledged FIN of ours changes; false if nothing is left of the connection. */
function finAcknowledged(layer: TcpLayer, socket: TcpSocket, now: number): boolean {
  if (!socket.isFinAcknowledged) return true;
  if (socket.state === 'FIN_WAIT_1') {
    socket.state = 'FIN_WAIT_2';
    if (socket.isOrphan) layer.linger(socket, now);
  } else if (socket.state === 'CLOSING') enterTimeWait(layer, socket, now);
  else if (socket.state === 'LAST_ACK') {
    socket.end();
    return false;
  }
  return true;
}

/** Data and FIN; false if the connection was reset over them. */
function takeData(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment, now: number): boolean {
  const { receiver, sender } = socket;
  const { header } = segment;
  const hasFin = segment.has(TCP_FLAG.FIN);
  if (segment.length === 0 && !hasFin) return true;
  if (socket.isOrphan && segment.length > 0 && isAfter(segment.end, receiver.next)) {
    // Nobody will ever read it.
    layer.counters.tcp_abort_on_data++;
    socket.reset(now);
    socket.end();
    return false;
  }
  const wasEnded = receiver.isEnded;
  const hadGap = receiver.early.count > 0;
  const arrival = receiver.take(
    header.sequence,
    segment.bytes,
    segment.at,
    segment.length,
    hasFin,
    now,
  );
  if (arrival === 'old' || arrival === 'beyond') {
    receiver.acks.receivedAgain(receiver.offered);
    return true;
  }
  if (segment.length > 0) {
    receiver.acks.received(segment.full, receiver.offered, sender.rtt.rto, now);
  }
  if (arrival === 'early' || hadGap) receiver.acks.urge();
  if (arrival === 'news') socket.notifyReadable();
  if (receiver.isEnded && !wasEnded) takeFin(layer, socket, now);
  return true;
}

function takeFin(layer: TcpLayer, socket: TcpSocket, now: number): void {
  const { acks } = socket.receiver;
  switch (socket.state) {
    case 'ESTABLISHED':
    case 'SYN_RECEIVED':
      socket.state = 'CLOSE_WAIT';
      acks.ended();
      break;
    case 'FIN_WAIT_1':
      socket.state = 'CLOSING';
      acks.urge();
      break;
    case 'FIN_WAIT_2':
      acks.urge();
      enterTimeWait(layer, socket, now);
      break;
    case 'CLOSED':
    case 'SYN_SENT':
    case 'CLOSING':
    case 'TIME_WAIT':
    case 'CLOSE_WAIT':
    case 'LAST_ACK':
      break;
  }
}

function enterTimeWait(layer: TcpLayer, socket: TcpSocket, now: number): void {
  socket.state = 'TIME_WAIT';
  layer.counters.tcp_time_waits++;
  socket.sender.clear();
  if (socket.isOrphan) socket.receiver.clear();
  layer.linger(socket, now);
}

/** The connection is over, but for segments still under way (RFC 9293 3.10.7.4, RFC 6191). */
function inTimeWait(layer: TcpLayer, socket: TcpSocket, segment: TcpSegment, now: number): boolean {
  const { receiver } = socket;
  const { header, options } = segment;
  const isOlder =
    socket.hasTimestamps &&
    options.timestamp &&
    sequenceDistance(options.timestampValue, receiver.recentTimestamp) < 0;
  if (segment.has(TCP_FLAG.RST)) {
    if (!isOlder && header.sequence === receiver.next) socket.end();
    return true;
  }
  if (segment.has(TCP_FLAG.SYN) && !segment.has(TCP_FLAG.ACK) && !isOlder) {
    const isNewer =
      isAfter(header.sequence, receiver.next) ||
      (socket.hasTimestamps &&
        options.timestamp &&
        options.timestampValue !== receiver.recentTimestamp);
    if (isNewer) {
      // The peer calls anew from the same port.
      socket.end();
      return false;
    }
  }
  if (segment.has(TCP_FLAG.FIN) && !isOlder) layer.linger(socket, now);
  if (segment.length > 0 || segment.has(TCP_FLAG.FIN) || segment.has(TCP_FLAG.SYN)) {
    challenge(layer, socket, now);
  }
  return true;
}
