/** The `profiles` command's content: every number of every profile, with its grade and source. */
import { listProfiles, loadProfileData } from './profiles.js';
import type { Grade, Provenance } from './profile-file.js';

export interface ProfileRow {
  /** As in the data files and for `--override`; a jitter has a row of its own, `nic.tx.jitter`. */
  readonly key: string;
  /** With its unit. */
  readonly value: string;
  readonly grade: Grade;
  readonly source: string;
}

export interface ProfileListing {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly ProfileRow[];
}

/** The profiles named (a name or a file's path each), or all that come with the package. */
export const describeProfiles = (names: readonly string[] = listProfiles()): ProfileListing[] =>
  names.map((asked) => {
    const { name, title, entries } = loadProfileData(asked);
    const rows = [...entries].flatMap(([key, entry]) => {
      const own = row(key, entry);
      return entry.jitter === null ? [own] : [own, row(`${key}.jitter`, entry.jitter)];
    });
    return { name, title, rows };
  });

const row = (key: string, { written, grade, source }: Provenance): ProfileRow => ({
  key,
  value: written,
  grade,
  source,
});

/** The listing as plain text: a line a number, the columns aligned. */
export function formatProfiles(listings: readonly ProfileListing[]): string {
  const rows = listings.flatMap((listing) => listing.rows);
  const wide = (column: 'key' | 'value'): number =>
    Math.max(0, ...rows.map((each) => each[column].length));
  const [keys, values] = [wide('key'), wide('value')];
  const blocks = listings.map(({ name, title, rows: own }) => {
    const lines = own.map(
      ({ key, value, grade, source }) =>
        `  ${key.padEnd(keys)}  ${value.padStart(values)}  ${grade}  ${source}`,
    );
    return [`${name}: ${title}`, ...lines, ''].join('\n');
  });
  return blocks.join('\n');
}
