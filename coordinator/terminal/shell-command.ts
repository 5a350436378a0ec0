/** The command line that repeats a run, for a shell: what `argv` says, and the seed if it does not. */
const SAFE = /^[\w@%+=:,./-]+$/;

export function shellCommand(argv: readonly string[], seed: number): string {
  const seeded = argv.some((word) => word === '--seed' || word.startsWith('--seed='));
  const words = seeded ? argv : [...argv, '--seed', String(seed)];
  return ['npx pinwire', ...words.map(quoted)].join(' ');
}

const quoted = (word: string): string =>
  SAFE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
