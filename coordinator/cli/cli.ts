/** The command line: what may be said, and which command does it. */
import type { Argv } from 'yargs';
import { COMMANDS, type Command, type OptionTable, type Values } from './commands.js';
import { RunError } from '../errors/run-error.js';
import { UsageError } from '../errors/usage-error.js';
import { suggestion } from '../options/option-values.js';
import type { Terminal } from '../terminal/terminal.js';
import { VERSION } from '../terminal/version.js';

const HELP: readonly string[] = ['--help', '-h'];

/** Does what the arguments say; the exit status. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`pinwire: ${error.message}`);
      return 2;
    }
    if (error instanceof RunError) {
      terminal.error(`pinwire: ${error.message}`);
      return 1;
    }
    throw error;
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...names] = argv;
  const first = COMMANDS.find((command) => nameOf(command) === word);
  // It has no options: the parser, which takes longer to load than all the workloads, would have nothing to do.
  if (word === 'list' && !names.some((name) => name.startsWith('-'))) {
    return first!.action({ values: { name: names }, argv, terminal });
  }
  return parse(argv, terminal);
}

/** A command, and what was said to it. */
interface Chosen {
  readonly command: Command;
  readonly values: Values;
}

async function parse(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { parser, chosen } = await commandParser(argv);
  let shown = '';
  try {
    await parser.parseAsync([...argv], {}, (_error, _values, output) => {
      shown = output;
    });
  } catch (error) {
    throw await usageError(error as Error, argv);
  }
  const said = chosen();
  if (said !== undefined) {
    refuseTwice(said.values, await said.command.options());
    return said.command.action({ values: said.values, argv, terminal });
  }
  if (shown === '') throw noCommand(argv);
  terminal.write(`${shown}\n${await furtherHelp(argv)}`);
  return 0;
}

/** What a command has to say of the names that it was given; they come first. */
async function furtherHelp(argv: readonly string[]): Promise<string> {
  const [word, ...rest] = argv.filter((each) => !HELP.includes(each));
  const help = COMMANDS.find((command) => nameOf(command) === word)?.help;
  const end = rest.findIndex((each) => each.startsWith('-'));
  const names = end < 0 ? rest : rest.slice(0, end);
  return help === undefined || names.length === 0 ? '' : help(names);
}

/** The parser, and what it will have chosen: nothing where help was asked for. */
async function commandParser(
  argv: readonly string[],
): Promise<{ readonly parser: Argv; readonly chosen: () => Chosen | undefined }> {
  const { default: yargs } = await import('yargs');
  let chosen: Chosen | undefined;
  let parser = yargs([...argv])
    .scriptName('pinwire')
    .usage('$0 <command> [options]\n\nA multi-node RDMA cluster emulator in virtual time.')
    .locale('en')
    .exitProcess(false)
    .fail(false)
    .strict()
    .wrap(100)
    .parserConfiguration({
      'dot-notation': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .help()
    .alias('help', 'h')
    .version(VERSION)
    .epilogue('`pinwire <command> --help` shows the options of a command.');
  for (const command of COMMANDS) {
    parser = parser.command(
      command.usage,
      command.describe,
      async (builder) => withOptions(builder, await command.options()),
      (values: Values) => {
        chosen = { command, values };
      },
    );
  }
  return { parser, chosen: () => chosen };
}

async function withOptions(builder: Argv, options: OptionTable): Promise<Argv> {
  let result = builder.options(options);
  if (Object.keys(options).length === 0) return result;
  const { GROUPS } = await import('./options.js');
  for (const [title, group] of Object.entries<OptionTable>(GROUPS)) {
    const names = Object.entries(group).flatMap(([name, option]) =>
      options[name] === option ? [name] : [],
    );
    if (names.length > 0) result = result.group(names, title);
  }
  return result;
}

function refuseTwice(values: Values, options: OptionTable): void {
  for (const [name, option] of Object.entries(options)) {
    if (option.array !== true && Array.isArray(values[name])) {
      throw new UsageError(`--${name} is given twice`);
    }
  }
}

const nameOf = ({ usage }: Command): string => usage.split(' ')[0]!;

/** yargs's complaint in one line and in our words. */
async function usageError(error: Error, argv: readonly string[]): Promise<Error> {
  const unknown = /^Unknown arguments?: (.*)$/.exec(error.message);
  const command = COMMANDS.find((each) => nameOf(each) === argv[0]);
  if (unknown !== null && command !== undefined) {
    const name = unknown[1]!.split(', ')[0]!;
    if (!argv.some((text) => text.startsWith('-') && text.includes(name))) {
      return new UsageError(`${argv[0]!}: unexpected "${name}"`);
    }
    const near = suggestion(name, Object.keys(await command.options())).replace('mean ', 'mean --');
    return new UsageError(
      `${argv[0]!}: unknown option ${name.length === 1 ? '-' : '--'}${name}${near} (\`pinwire ${argv[0]!} --help\`)`,
    );
  }
  const missing = /^Not enough arguments following: (.*)$/.exec(error.message);
  if (missing !== null) return new UsageError(`--${missing[1]!}: a value is missing`);
  if (error.message.startsWith('Not enough non-option arguments') && command !== undefined) {
    return new UsageError(`usage: pinwire ${command.usage} [options]`);
  }
  if (error.name !== 'YError' && unknown === null) return error;
  return noCommand(argv);
}

function noCommand(argv: readonly string[]): UsageError {
  const known = COMMANDS.map(nameOf);
  const word = argv.find((text) => !text.startsWith('-'));
  if (word === undefined) return new UsageError(`name a command: ${known.join(', ')} (or --help)`);
  return new UsageError(
    `unknown command "${word}"${suggestion(word, known)} (known: ${known.join(', ')})`,
  );
}
