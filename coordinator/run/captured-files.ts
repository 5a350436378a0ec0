/** `--capture` where processes send what they capture: DIR/host0.pcapng and so on, written where the user is. */
import { join } from 'node:path';
import { CaptureFiles } from '../../node/process/capture-files.js';
import { RunError } from '../errors/run-error.js';

export class CapturedFiles {
  private readonly directory: string;
  private readonly hosts: number;
  private readonly files: CaptureFiles;
  private isClosed = false;

  /** Creates a file for each host. Throws a RunError that says which, and why not. */
  constructor(directory: string, hosts: number) {
    this.directory = directory;
    this.hosts = hosts;
    const numbers = Array.from({ length: hosts }, (_, host) => host);
    this.files = this.attempt(() => new CaptureFiles(directory, numbers));
  }

  /** The next bytes of a host's file. What comes late, for a run that has failed, is dropped. Throws a RunError. */
  append(host: number, bytes: Uint8Array): void {
    if (host >= this.hosts) throw new RunError(`a capture of host${host}, which does not exist`);
    if (!this.isClosed) this.attempt(() => this.files.append(host, bytes));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.attempt(() => this.files.close());
  }

  private attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const files = join(this.directory, 'host*.pcapng');
      throw new RunError(`${files} cannot be written: ${(error as Error).message}`);
    }
  }
}
