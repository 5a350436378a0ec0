/**
 * The peers' programs, built once a comparison into a scratch directory. They are built here and now because they
 * depend on the compiler and the peer's release of this machine, and pinwire needs neither.
 */
import { spawnSync } from 'node:child_process';
import { basename, extname, join } from 'node:path';
import { RunError } from '../../coordinator/errors/run-error.js';
import type { TimedCommands } from './cpu-time.js';
import { skipReason, sourcePath, type Need, type Peer, type PeerProgram } from './peer.js';

export class Builds {
  private readonly scratch: string;
  private readonly commands: TimedCommands;
  /** By source; what could not be built has the reason. */
  private readonly built = new Map<string, { binary: string } | { reason: string }>();
  private readonly reasons = new Map<Peer, string | undefined>();

  constructor(scratch: string, commands: TimedCommands) {
    this.scratch = scratch;
    this.commands = commands;
  }

  /** Builds it, unless that has been done. Answers with the reason if the work has to be left out. */
  async prepare({ peer, source }: PeerProgram): Promise<string | undefined> {
    if (!this.reasons.has(peer)) this.reasons.set(peer, skipReason(peer, isThere));
    const reason = this.reasons.get(peer);
    if (reason !== undefined) return reason;
    if (!this.built.has(source)) this.built.set(source, await this.build(peer, source));
    const built = this.built.get(source)!;
    return 'reason' in built ? built.reason : undefined;
  }

  /** How to run a program that has been prepared. */
  command(program: PeerProgram, iterations: number): readonly string[] {
    const built = this.built.get(program.source);
    if (built === undefined || 'reason' in built) throw new Error(`${program.source} is not built`);
    return program.peer.run(built.binary, program, iterations);
  }

  private async build(
    peer: Peer,
    source: string,
  ): Promise<{ binary: string } | { reason: string }> {
    const binary = join(this.scratch, basename(source, extname(source)));
    try {
      await this.commands.run(peer.build(sourcePath(source), binary));
      return { binary };
    } catch (error) {
      // Another release of the peer may want another program: the rest can still be compared.
      if (error instanceof RunError) return { reason: `not built: ${error.message}` };
      throw error;
    }
  }
}

const isThere = ({ command }: Need): boolean =>
  spawnSync(command[0]!, command.slice(1), { stdio: 'ignore' }).status === 0;
