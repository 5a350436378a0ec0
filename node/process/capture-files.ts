/** `--capture`: one pcapng file per host, written in pieces large enough to be cheap. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptureSink } from './capture-sink.js';

const PIECE = 1 << 20;

interface CaptureFile {
  readonly descriptor: number;
  readonly piece: Uint8Array;
  filled: number;
}

export class CaptureFiles implements CaptureSink {
  /** A file takes what it is given before it returns. */
  readonly room = undefined;
  private readonly files = new Map<number, CaptureFile>();

  /** Creates `directory`/host0.pcapng and so on. Throws what the file system throws. */
  constructor(directory: string, hosts: readonly number[]) {
    mkdirSync(directory, { recursive: true });
    for (const host of hosts) {
      const descriptor = openSync(join(directory, `host${host}.pcapng`), 'w');
      this.files.set(host, { descriptor, piece: new Uint8Array(PIECE), filled: 0 });
    }
  }

  append(host: number, bytes: Uint8Array): void {
    const file = this.files.get(host)!;
    if (file.filled + bytes.length > PIECE) flush(file);
    if (bytes.length > PIECE) {
      writeWhole(file.descriptor, bytes);
      return;
    }
    file.piece.set(bytes, file.filled);
    file.filled += bytes.length;
  }

  flush(): void {
    for (const file of this.files.values()) flush(file);
  }

  close(): void {
    this.flush();
    for (const { descriptor } of this.files.values()) closeSync(descriptor);
    this.files.clear();
  }
}

function flush(file: CaptureFile): void {
  writeWhole(file.descriptor, file.piece.subarray(0, file.filled));
  file.filled = 0;
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
