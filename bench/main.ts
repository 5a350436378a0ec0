/** `npm run bench`: how fast the emulator is; with `--peers`, against ns-3 and SimGrid on the same work. */
import { RunError } from '../coordinator/errors/run-error.js';
import { processTerminal, type Terminal } from '../coordinator/terminal/terminal.js';
import { UsageError } from '../coordinator/errors/usage-error.js';
import { HELP, readOptions } from './options.js';

async function runBench(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = readOptions(argv);
  switch (options.kind) {
    case 'help':
      terminal.write(HELP);
      return 0;
    case 'rates': {
      const { showRates } = await import('./rates.js');
      await showRates();
      return 0;
    }
    case 'peers': {
      const { comparePeers } = await import('./peers/comparison.js');
      return comparePeers(options, terminal);
    }
  }
}

const terminal = processTerminal();
try {
  process.exitCode = await runBench(process.argv.slice(2), terminal);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof RunError)) throw error;
  terminal.error(`bench: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
