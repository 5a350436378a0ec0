/** The command line that repeats a run, for a shell: what `argv` says, and the seed if it does not. */
const SAFE = /^[\w@%+=:,./-]+$/;

export function shellCommand(argv: readonly string[], seed: number): string {
  const words = withoutSeeds(argv);
  const seeded = argv.some((word) => word === '--seed' || word.startsWith('--seed='));
  if (!seeded) words.push('--seed', String(seed));
  return ['npx pinwire', ...words.map(quoted)].join(' ');
}

/** One of them is repeated. */
const withoutSeeds = (argv: readonly string[]): string[] =>
  argv.filter(
    (word, at) => word !== '--seeds' && argv[at - 1] !== '--seeds' && !word.startsWith('--seeds='),
  );

const quoted = (word: string): string =>
  SAFE.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
