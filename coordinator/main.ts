/** The `pinwire` command's entry. */
import { runCli } from './cli/cli.js';
import { processTerminal } from './terminal/terminal.js';

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
