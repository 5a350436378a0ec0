/**
 * `npm run bench -- --peers`: pinwire and its peers on the same work, in turn. A round measures every work once, both
 * sides right after each other, and the next round lets the other side begin.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interrupted, watchInterruptions } from '../../coordinator/terminal/interruption.js';
import { prepareOutputs } from '../../coordinator/report/outputs.js';
import { Progress } from '../../coordinator/terminal/progress.js';
import { RunError } from '../../coordinator/errors/run-error.js';
import type { Terminal } from '../../coordinator/terminal/terminal.js';
import type { PeerOptions } from '../options.js';
import { Builds } from './builds.js';
import { TimedCommands } from './cpu-time.js';
import { unitsDone } from './peer.js';
import { peerResults, peerTable, type Measured, type Skipped } from './peer-table.js';
import { pinwireCommand, pinwireUnits } from './pinwire-run.js';
import { slope, type Pair, type Sample } from './ratio.js';
import type { Work } from './work.js';

const INTERRUPTED = 130;

const LEGEND = `
CPU time of one unit of work (median), and pinwire's speed over the peer's: 1 is the peer, 2 is twice as fast.
docs/speed.md says what is compared.
`;

/** The exit status. Throws a UsageError if the JSON cannot be written, a RunError if a run fails. */
export async function comparePeers(options: PeerOptions, terminal: Terminal): Promise<number> {
  prepareOutputs({ json: options.json, hgrm: undefined, out: undefined }, undefined);
  const scratch = mkdtempSync(join(tmpdir(), 'pinwire-peers-'));
  const commands = new TimedCommands(scratch);
  const clean = (): void => {
    commands.kill();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  };
  const interruption = watchInterruptions(clean);
  const progress = new Progress(terminal, false);
  const comparison = new Comparison(scratch, commands, progress);
  try {
    await Promise.race([comparison.run(options), interruption.arrived]);
    progress.clear();
    show(comparison, terminal);
    if (options.json !== undefined) writeJson(options.json, comparison);
    return 0;
  } catch (error) {
    progress.clear();
    if (!(error instanceof Interrupted)) throw error;
    terminal.error('bench: interrupted');
    return INTERRUPTED;
  } finally {
    await commands.stop();
    clean();
    interruption.dispose();
  }
}

class Comparison {
  readonly skipped: Skipped[] = [];
  private readonly pairs = new Map<Work, Pair[]>();
  private readonly scratch: string;
  private readonly commands: TimedCommands;
  private readonly progress: Progress;
  private readonly builds: Builds;

  constructor(scratch: string, commands: TimedCommands, progress: Progress) {
    this.scratch = scratch;
    this.commands = commands;
    this.progress = progress;
    this.builds = new Builds(scratch, commands);
  }

  get measured(): Measured[] {
    return [...this.pairs].map(([work, rounds]) => ({ work, rounds }));
  }

  async run({ works, rounds }: PeerOptions): Promise<void> {
    for (const work of works) {
      this.progress.begin(`building ${work.program.source}`);
      const reason = await this.builds.prepare(work.program);
      if (reason === undefined) this.pairs.set(work, []);
      else this.skipped.push({ work, reason });
    }
    for (let round = 0; round < rounds; round++) {
      for (const [work, pairs] of this.pairs) {
        const { name, program } = work;
        this.progress.wait(
          `round ${round + 1} of ${rounds}: ${name}, pinwire and ${program.peer.name}`,
        );
        pairs.push(await this.pair(work, round % 2 === 0));
      }
    }
  }

  private async pair(work: Work, isPinwireFirst: boolean): Promise<Pair> {
    if (isPinwireFirst) {
      const pinwire = await this.cost(work, 'pinwire');
      return { pinwire, peer: await this.cost(work, 'peer') };
    }
    const peer = await this.cost(work, 'peer');
    return { pinwire: await this.cost(work, 'pinwire'), peer };
  }

  /** CPU seconds of a unit; of a whole run for start-up. */
  private async cost(work: Work, side: 'pinwire' | 'peer'): Promise<number> {
    const sample = (iterations: number): Promise<Sample> =>
      side === 'pinwire' ? this.pinwire(work, iterations) : this.peer(work, iterations);
    if (work.lengths === undefined) return (await sample(1)).cpu;
    const { short, long } = work.lengths[side];
    return slope(await sample(short), await sample(long));
  }

  private async pinwire(work: Work, iterations: number): Promise<Sample> {
    const { cpu } = await this.commands.run(pinwireCommand(work, iterations, this.scratch));
    return { units: pinwireUnits(work, iterations, this.scratch), cpu };
  }

  private async peer({ program }: Work, iterations: number): Promise<Sample> {
    const { cpu, output } = await this.commands.run(this.builds.command(program, iterations));
    return { units: unitsDone(output, program, iterations), cpu };
  }
}

function show({ measured, skipped }: Comparison, terminal: Terminal): void {
  for (const { work, reason } of skipped) {
    terminal.write(`skipped: ${work.name} against ${work.program.peer.name}: ${reason}\n`);
  }
  if (measured.length === 0) return;
  for (const line of peerTable(measured)) terminal.write(`${line}\n`);
  terminal.write(LEGEND);
}

function writeJson(path: string, { measured, skipped }: Comparison): void {
  try {
    writeFileSync(path, `${JSON.stringify(peerResults(measured, skipped), null, 2)}\n`);
  } catch (error) {
    throw new RunError(`${path} could not be written: ${(error as Error).message}`);
  }
}
