/**
 * The sockets between the processes of a cluster: each listens, and of each pair the one with the higher index dials.
 * The first message on a socket, both ways, says which cluster and process it comes from; every later one is a batch
 * (`frame-batch.ts`). A mesh outlives runs: each run attaches as its owner, and batches without an owner are dropped.
 */
import type { RawData, WebSocket } from 'ws';
import { dial, openDoor } from '../door/admission.js';
import type { Door, Refusals } from '../door/admission.js';
import type { Credentials } from '../door/credentials.js';
import { parseHello, printHello } from './mesh-hello.js';
import { PathWatch, type PathTimes } from './path-watch.js';
import { streamOf } from '../door/stream-of.js';

const FABRIC_PATH = '/fabric';
/** A batch is sent at a sixteenth of it. */
const MAX_MESSAGE = 1 << 20;
/** Senders pause when a socket holds so much that the other end has not taken, and go on at half of it. */
const CONGESTED_BYTES = 16 << 20;
/** Batches that the owner has not taken yet: with more, nothing is read from any socket until it has. */
const MAX_UNTAKEN_BYTES = 64 << 20;
/** What a small one costs beside its bytes. */
const BATCH_OVERHEAD = 256;
const HELLO_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;

export interface MeshOptions {
  readonly process: number;
  readonly processes: number;
  /** Names the cluster, whatever it runs: a process of another one is turned away. */
  readonly cluster: string;
  readonly credentials: Credentials;
  /** The address to listen on; loopback unless told otherwise. */
  readonly host?: string;
  /** 0 or absent: any free one. */
  readonly port?: number;
  /** When a silent link is tried, unless told otherwise. */
  readonly times?: PathTimes;
}

export interface MeshOwner {
  /**
   * A batch from process `from`; the bytes are the owner's. Store it, simulate later, and say when it is {@link
   * Mesh.taken}.
   */
  received(from: number, message: Uint8Array): void;
  /** No socket is congested any more. */
  drained(): void;
  /** A link is gone, `link` names it. */
  lost(link: string, reason: string): void;
}

export class Mesh {
  readonly process: number;
  readonly processes: number;
  /** Some socket has more to send than it should: wait for `drained`. */
  congested = false;
  /** Hears of every link that is lost, whether somebody runs or not. */
  onLost: (other: number, reason: string) => void = ignore;
  private readonly options: MeshOptions;
  private door!: Door;
  private owner: MeshOwner | undefined;
  private readonly links: (WebSocket | undefined)[];
  /** Bytes that the owner has heard of and not taken; with too many, no socket is read. */
  private untaken = 0;
  private isHeld = false;
  private strangers = 0;
  private lostLink: { readonly link: string; readonly reason: string } | undefined;
  private addresses: readonly string[] = [];
  /** While somebody runs. */
  private paths: PathWatch | undefined;
  private closing = false;
  /** Called when a link comes up or cannot. */
  private changed: (error?: Error) => void = ignore;

  private constructor(options: MeshOptions) {
    this.options = options;
    this.process = options.process;
    this.processes = options.processes;
    this.links = new Array<WebSocket | undefined>(options.processes).fill(undefined);
  }

  /** Listens. Rejects if the address cannot be had. */
  static async open(options: MeshOptions): Promise<Mesh> {
    const mesh = new Mesh(options);
    mesh.door = await openDoor({
      credentials: options.credentials,
      ...(options.host !== undefined && { host: options.host }),
      ...(options.port !== undefined && { port: options.port }),
      maxPayload: MAX_MESSAGE,
      paths: {
        // Batches are bounded by what the owner has not taken, which costs less than counting them.
        [FABRIC_PATH]: {
          take: (socket) => mesh.greet(socket, undefined),
          messagesPerSecond: Infinity,
        },
      },
    });
    return mesh;
  }

  get port(): number {
    return this.door.port;
  }

  /** Connections turned away, by reason; strangers had the token and were no process of this cluster. */
  get refusals(): Refusals & { readonly strangers: number } {
    return { ...this.door.refusals, strangers: this.strangers };
  }

  /** The process whose socket holds most that is not taken yet. */
  get fullest(): number {
    let fullest = 0;
    for (const [other, link] of this.links.entries()) {
      if (link !== undefined && link.bufferedAmount > (this.links[fullest]?.bufferedAmount ?? -1)) {
        fullest = other;
      }
    }
    return fullest;
  }

  linkName(other: number): string {
    return `link process ${this.process} - process ${other}`;
  }

  /**
   * Dials the processes of lower index at `addresses` (`ws://host:port` by process) and waits for those of higher
   * index. Rejects, naming the link, when one cannot be had within `timeoutMs`.
   */
  async connect(addresses: readonly string[], timeoutMs = 30_000): Promise<void> {
    this.addresses = addresses;
    const all = new Promise<void>((resolve, reject) => {
      this.changed = (error) => {
        if (error !== undefined) reject(error);
        else if (this.missing() === undefined) resolve();
      };
    });
    const timer = setTimeout(() => {
      const link = this.linkName(this.missing() ?? this.process);
      this.changed(new Error(`${link}: not connected after ${timeoutMs} ms`));
    }, timeoutMs);
    for (let other = 0; other < this.process; other++) {
      this.dial(other, addresses[other]!).catch((error: unknown) => {
        this.changed(new Error(`${this.linkName(other)}: ${(error as Error).message}`));
      });
    }
    this.changed();
    try {
      await all;
    } finally {
      clearTimeout(timer);
      this.changed = ignore;
    }
  }

  /** Makes `owner` hear of everything from now on, at once of a link that is already lost; undefined: nobody. */
  attach(owner: MeshOwner | undefined): void {
    this.owner = owner;
    this.taken();
    this.paths?.stop();
    this.paths = owner === undefined ? undefined : this.watchPaths();
    if (this.lostLink !== undefined) owner?.lost(this.lostLink.link, this.lostLink.reason);
  }

  /** The owner has taken all that it was given: however long it took, the others could not bury it meanwhile. */
  taken(): void {
    this.untaken = 0;
    if (!this.isHeld) return;
    this.isHeld = false;
    for (const link of this.links) link?.resume();
  }

  /** Sends a batch; `bytes` must stay as they are until `sent` is called, which it is also if the link is lost. */
  send(to: number, bytes: Uint8Array, sent: () => void): void {
    const socket = this.links[to];
    if (socket === undefined) {
      sent();
      return;
    }
    socket.send(bytes, () => {
      sent();
      if (this.congested) this.relieve();
    });
    if (socket.bufferedAmount > CONGESTED_BYTES) this.congested = true;
  }

  /** Closes every socket and the listener; the loss of these links is not reported. */
  async close(): Promise<void> {
    this.closing = true;
    this.paths?.stop();
    for (const socket of this.links) socket?.close(1000);
    await this.door.close();
    for (const socket of this.links) socket?.terminate();
  }

  private watchPaths(): PathWatch {
    const { addresses, links, options } = this;
    return new PathWatch(
      {
        addresses,
        bytesFrom: (other) => {
          const link = links[other];
          return link && (streamOf(link)?.bytesRead ?? 0);
        },
        lost: (other, reason) => this.lose(other, reason),
      },
      options.times,
    );
  }

  private receive(from: number, message: Uint8Array): void {
    if (this.owner === undefined) return;
    this.owner.received(from, message);
    this.untaken += message.length + BATCH_OVERHEAD;
    if (this.untaken <= MAX_UNTAKEN_BYTES || this.isHeld) return;
    this.isHeld = true;
    for (const link of this.links) link?.pause();
  }

  private relieve(): void {
    const full = this.links.some((link) => (link?.bufferedAmount ?? 0) > CONGESTED_BYTES / 2);
    if (full) return;
    this.congested = false;
    this.owner?.drained();
  }

  /** The first process that has no link yet. */
  private missing(): number | undefined {
    const at = this.links.findIndex((link, other) => link === undefined && other !== this.process);
    return at < 0 ? undefined : at;
  }

  private async dial(other: number, address: string): Promise<void> {
    const socket = await dial(address + FABRIC_PATH, this.options.credentials, MAX_MESSAGE);
    this.greet(socket, other);
    socket.resume();
    socket.send(this.hello());
  }

  private hello(): string {
    return printHello({ cluster: this.options.cluster, process: this.process });
  }

  /** Waits for the other end's first message: from `dialled`, or from anyone of a higher index. */
  private greet(socket: WebSocket, dialled: number | undefined): void {
    let other: number | undefined;
    const turnAway = (reason: string): void => {
      this.strangers++;
      socket.close(1008, reason.slice(0, 100));
      if (dialled !== undefined) this.changed(new Error(`${this.linkName(dialled)}: ${reason}`));
    };
    const timer = setTimeout(() => turnAway('no hello'), HELLO_MS);
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (other !== undefined) {
        // ws hands a Buffer over for binaryType nodebuffer, which is the default.
        if (isBinary) this.receive(other, data as Buffer);
        else this.lose(other, 'a text where a batch was due');
        return;
      }
      clearTimeout(timer);
      const hello = isBinary ? 'no hello' : parseHello((data as Buffer).toString(), this.processes);
      const reason = typeof hello === 'string' ? hello : this.objection(hello, dialled);
      if (typeof hello === 'string' || reason !== undefined) {
        turnAway(reason ?? 'no hello');
        return;
      }
      other = hello.process;
      this.links[other] = socket;
      // Between runs nothing is said, and a router on the way forgets who says nothing.
      streamOf(socket)?.setKeepAlive(true, KEEP_ALIVE_MS);
      if (dialled === undefined) socket.send(this.hello());
      this.changed();
    });
    let fault: string | undefined;
    socket.on('error', (error) => {
      fault = error.message;
      // Not worth waiting for the other end's part in closing.
      if (other !== undefined) this.lose(other, fault);
    });
    socket.on('close', (code: number, reason: Buffer) => {
      clearTimeout(timer);
      const said = reason.length > 0 ? `${code}, ${reason.toString()}` : `${code}`;
      const text = fault ?? `closed (${said})`;
      if (other !== undefined) this.lose(other, text);
      else if (dialled !== undefined) {
        this.changed(new Error(`${this.linkName(dialled)}: ${text}`));
      }
    });
  }

  private objection(
    hello: { readonly cluster: string; readonly process: number },
    dialled: number | undefined,
  ): string | undefined {
    if (hello.cluster !== this.options.cluster) return 'another cluster';
    if (dialled === undefined ? hello.process <= this.process : hello.process !== dialled) {
      return `process ${hello.process} does not belong on this link`;
    }
    if (this.links[hello.process] !== undefined)
      return `process ${hello.process} is already connected`;
    return undefined;
  }

  private lose(other: number, reason: string): void {
    const socket = this.links[other];
    if (socket === undefined) return;
    this.links[other] = undefined;
    socket.terminate();
    if (this.closing) return;
    this.lostLink ??= { link: this.linkName(other), reason };
    this.onLost(other, reason);
    this.owner?.lost(this.linkName(other), reason);
    if (this.congested) this.relieve();
  }
}

function ignore(): void {
  // Nobody is connecting.
}
