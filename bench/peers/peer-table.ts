/** What a comparison found: as a table, and as JSON. */
import { ratios, spreadOf, type Pair, type Spread } from './ratio.js';
import type { Work } from './work.js';

/** A work, and what both sides needed in each round. */
export interface Measured {
  readonly work: Work;
  readonly rounds: readonly Pair[];
}

export interface Skipped {
  readonly work: Work;
  readonly reason: string;
}

export interface PeerResults {
  readonly rows: readonly {
    readonly work: string;
    readonly peer: string;
    readonly ratio: Spread;
  }[];
  /** Works that could not be compared here. */
  readonly skipped: readonly {
    readonly work: string;
    readonly peer: string;
    readonly reason: string;
  }[];
}

export function peerResults(
  measured: readonly Measured[],
  skipped: readonly Skipped[],
): PeerResults {
  return {
    rows: measured.map(({ work, rounds }) => ({
      work: work.name,
      peer: work.program.peer.name,
      ratio: spreadOf(ratios(rounds)),
    })),
    skipped: skipped.map(({ work, reason }) => ({
      work: work.name,
      peer: work.program.peer.name,
      reason,
    })),
  };
}

const HEADINGS = ['work', 'peer', 'pinwire', 'the peer', 'min', 'median', 'max'] as const;
const TEXT_COLUMNS = 2;

/** Ratios with the medians of what each side needed beside them; the lines of the table. */
export function peerTable(measured: readonly Measured[]): string[] {
  const cells = measured.map(({ work, rounds }) => {
    const { min, median, max } = spreadOf(ratios(rounds));
    return [
      work.what,
      work.program.peer.name,
      formatCpu(spreadOf(rounds.map(({ pinwire }) => pinwire)).median),
      formatCpu(spreadOf(rounds.map(({ peer }) => peer)).median),
      ...[min, median, max].map((ratio) => ratio.toPrecision(2)),
    ];
  });
  const rows = [[...HEADINGS], ...cells];
  const widths = HEADINGS.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at < TEXT_COLUMNS ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!),
      )
      .join('  '),
  );
}

const CPU_UNITS = [
  [1, 's'],
  [1e-3, 'ms'],
  [0, 'us'],
] as const;

/** CPU time of one unit. */
export function formatCpu(seconds: number): string {
  const [least, unit] = CPU_UNITS.find(([each]) => seconds >= each)!;
  return `${(seconds / (least === 0 ? 1e-6 : least)).toPrecision(3)} ${unit}`;
}
