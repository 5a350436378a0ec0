/**
 * What one stranger, or one member that misbehaves, may cost a door. Every limit stands here, with its reason; what
 * exceeds one is dropped and counted by reason.
 */
export interface DoorLimits {
  /** Connections not yet admitted, and as many whose page is not read yet; one more pushes the oldest out. */
  readonly pending: number;
  /** Connections that are admitted; more are turned away. */
  readonly admitted: number;
  /** A connection that is not admitted, or has its page, by then is closed. */
  readonly admissionMs: number;
  /** Bytes of one request's line and headers; an admission is two requests, and a body is never read. */
  readonly headerBytes: number;
  /** New connections from one address: a burst, and a rate per second after it. */
  readonly burst: number;
  readonly perSecond: number;
  /** Addresses remembered for that. */
  readonly addresses: number;

  /** An admitted connection's first message, with which it says who it is. */
  readonly firstBytes: number;
  /** An admitted connection, unless its path says otherwise. */
  readonly messagesPerSecond: number;
  /** The messages of this number of seconds may come at once. */
  readonly burstSeconds: number;
  /** A connection with more unsent bytes than this is dropped when its other end takes none for this long. */
  readonly stalledBytes: number;
  readonly stallMs: number;
  /** More bytes never wait, or twice the largest message of the path if that is more. */
  readonly backlogBytes: number;
  /** How often admitted connections are looked at. */
  readonly lookMs: number;
}

export const DOOR_LIMITS: DoorLimits = {
  // Some KiB each. Processes that link up are pending for a round trip or two, not for seconds.
  pending: 256,
  // 512 processes, as many agents and clients, and room.
  admitted: 2_048,
  // Processes that start are slow when many share a machine.
  admissionMs: 10_000,
  // Ours are of some 400 bytes.
  headerBytes: 8_192,
  // 512 processes of one machine may dial at once, behind NAT those of several. Beyond, only TLS handshakes cost
  // something, a millisecond each.
  burst: 640,
  perSecond: 64,
  // 100 bytes each; the one that was heard of first is forgotten.
  addresses: 4_096,

  // Ours are of some 500 bytes; who is nobody yet holds no more of our memory.
  firstBytes: 16_384,
  // Windows of 50 us make 20,000 a second; a process cannot take in more than some 200,000.
  messagesPerSecond: 100_000,
  // What gathers while a process is busy comes in one go.
  burstSeconds: 5,
  // What the kernel's own buffers hide is no backlog.
  stalledBytes: 1 << 20,
  // A process whose program computes on its main thread reads nothing meanwhile.
  stallMs: 60_000,
  // Four times what a mesh lets gather before its senders pause.
  backlogBytes: 64 << 20,
  lookMs: 1_000,
};
