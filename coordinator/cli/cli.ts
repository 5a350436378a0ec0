/** The command line: what may be said, and which command does it. */
import yargs, { type Argv, type Options } from 'yargs';
import { joinCommand } from './command-join.js';
import { listCommand } from './command-list.js';
import { runCommand, type RunCommand } from './command-run.js';
import { statusCommand } from './command-status.js';
import { upCommand } from './command-up.js';
import { compareCommand } from './command-compare.js';
import { decode } from './decode.js';
import type { EventLog } from '../terminal/event-log.js';
import type { LogOptions } from '../terminal/log.js';
import { suggestion } from '../options/option-values.js';
import {
  AGENT_METRICS_OPTIONS,
  ATTACH_OPTIONS,
  CLUSTER_OPTIONS,
  CREDENTIAL_OPTIONS,
  DRAW_OPTIONS,
  GROUPS,
  JOIN_OPTIONS,
  LISTEN_OPTIONS,
  LOG_OPTIONS,
  METRICS_OPTIONS,
  COMPARE_OPTIONS,
  DECODE_OPTIONS,
  OUTPUT_OPTIONS,
  PLACEMENT_OPTIONS,
  PROGRAM_OPTIONS,
  STATUS_OPTIONS,
  WORKLOAD_OPTIONS,
} from './options.js';
import { describeProfiles, formatProfiles } from '../profiles/profile-listing.js';
import { RunError } from '../errors/run-error.js';
import type { Terminal } from '../terminal/terminal.js';
import { UsageError } from '../errors/usage-error.js';
import { VERSION } from '../terminal/version.js';

type OptionTable = Readonly<Record<string, Options>>;
/** What yargs hands over: positionals and options by name. */
type Values = Readonly<Record<string, unknown>>;
type Action = (values: Values) => Promise<number>;

interface Command {
  /** As yargs reads it: `run <name..>`. */
  readonly usage: string;
  readonly describe: string;
  readonly options: OptionTable;
  readonly action: Action;
}

const CLUSTER = { ...CLUSTER_OPTIONS, ...DRAW_OPTIONS, ...PLACEMENT_OPTIONS };
const WORK = {
  ...CLUSTER,
  ...WORKLOAD_OPTIONS,
  ...OUTPUT_OPTIONS,
  ...ATTACH_OPTIONS,
  ...CREDENTIAL_OPTIONS,
};
/** Options that may be given several times. */
const REPEATABLE = [...Object.values<OptionTable>(GROUPS), DECODE_OPTIONS as OptionTable].flatMap(
  (group) => Object.keys(group).filter((name) => group[name]!.array === true),
);

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
  const commands = commandTable(argv, terminal);
  let chosen: (() => Promise<number>) | undefined;
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
  for (const { usage, describe, options, action } of commands) {
    parser = parser.command(
      usage,
      describe,
      (command) => withOptions(command, options),
      (values: Values) => {
        chosen = () => action(values);
      },
    );
  }
  let shown = '';
  try {
    await parser.parseAsync([...argv], {}, (_error, _values, output) => {
      shown = output;
    });
  } catch (error) {
    throw usageError(error as Error, argv, commands);
  }
  if (chosen !== undefined) return chosen();
  if (shown !== '') {
    terminal.write(`${shown}\n`);
    return 0;
  }
  throw noCommand(argv, commands);
}

function commandTable(argv: readonly string[], terminal: Terminal): Command[] {
  const run =
    (kind: RunCommand['kind'], positional: string): Action =>
    (values) => {
      refuseTwice(values);
      const names = [values[positional]].flat() as string[];
      return runCommand({ kind, names, options: values, argv }, terminal);
    };
  // The logger takes a moment to load: only those who stay up wait for it.
  const logOf = async (values: LogOptions): Promise<EventLog> => {
    const { createLog } = await import('../terminal/log.js');
    return createLog(values, (line) => terminal.error(line));
  };
  return [
    {
      usage: 'up',
      describe: 'launch a cluster, or gather one of joining machines, and keep it up until Ctrl-C',
      options: {
        ...CLUSTER,
        ...PROGRAM_OPTIONS,
        ...LISTEN_OPTIONS,
        ...CREDENTIAL_OPTIONS,
        ...LOG_OPTIONS,
        ...METRICS_OPTIONS,
      },
      action: async (values) => {
        refuseTwice(values);
        return upCommand(values, await logOf(values), terminal);
      },
    },
    {
      usage: 'join <url>',
      describe: 'make this machine a host of a cluster elsewhere (ws://coordinator:7600)',
      options: {
        ...JOIN_OPTIONS,
        ...PROGRAM_OPTIONS,
        ...CREDENTIAL_OPTIONS,
        ...LOG_OPTIONS,
        ...AGENT_METRICS_OPTIONS,
      },
      action: async (values) => {
        refuseTwice(values);
        return joinCommand(String(values['url']), values, await logOf(values), terminal);
      },
    },
    {
      usage: 'run <name..>',
      describe: 'run workloads: names of `list`, or paths of your own .js or .ts modules',
      options: WORK,
      action: run('run', 'name'),
    },
    {
      usage: 'suite <suite>',
      describe: 'run a suite: micro, host, hpc, trading, all, or demo',
      options: WORK,
      action: run('suite', 'suite'),
    },
    {
      usage: 'explain <name>',
      describe: 'run one workload and tell its median operation stage by stage',
      options: WORK,
      action: run('explain', 'name'),
    },
    {
      usage: 'status [url]',
      describe:
        'what a cluster that is up is made of and does; without URL those of this user here',
      options: { ...STATUS_OPTIONS, ...CREDENTIAL_OPTIONS },
      action: (values) => {
        refuseTwice(values);
        return statusCommand(values['url'] as string | undefined, values, terminal);
      },
    },
    {
      usage: 'decode <file..>',
      describe:
        'print RoCEv2 captures (pcap, pcapng; - for standard input) by time, one line a packet',
      options: DECODE_OPTIONS,
      action: (values) => {
        refuseTwice(values);
        return decode(values['file'] as string[], {
          json: values['json'] as string | undefined,
          qp: values['qp'] as string[] | undefined,
          host: values['host'] as string[] | undefined,
          opcode: values['opcode'] as string[] | undefined,
          write: (line) => terminal.write(`${line}\n`),
          error: (line) => terminal.error(line),
        });
      },
    },
    {
      usage: 'compare <file..>',
      describe: 'compare the results of two results files: exit 0 if they are equal, 1 if not',
      options: COMPARE_OPTIONS,
      action: async (values) => {
        refuseTwice(values);
        const tolerance = values['tolerance'] as string | undefined;
        return compareCommand(values['file'] as string[], tolerance, terminal);
      },
    },
    {
      usage: 'list',
      describe: 'the workloads with every parameter and default, and the suites',
      options: {},
      action: () => listCommand(terminal),
    },
    {
      usage: 'profiles [name..]',
      describe: 'the hardware profiles: every number with its grade and source',
      options: {},
      action: async (values) => {
        const names = (values['name'] ?? []) as string[];
        terminal.write(formatProfiles(describeProfiles(names.length > 0 ? names : undefined)));
        return 0;
      },
    },
  ];
}

function withOptions(command: Argv, options: OptionTable): Argv {
  let result = command.options(options);
  for (const [title, group] of Object.entries(GROUPS)) {
    const names = Object.entries(group).flatMap(([name, option]) =>
      options[name] === option ? [name] : [],
    );
    if (names.length > 0) result = result.group(names, title);
  }
  return result;
}

function refuseTwice(values: Values): void {
  for (const [name, value] of Object.entries(values)) {
    const isList = Array.isArray(value) && name !== '_' && !POSITIONALS.includes(name);
    if (isList && !REPEATABLE.includes(name)) {
      throw new UsageError(`--${name} is given twice`);
    }
  }
}

const POSITIONALS = ['name', 'file'];

/** yargs's complaint in one line and in our words. */
function usageError(error: Error, argv: readonly string[], commands: readonly Command[]): Error {
  const unknown = /^Unknown arguments?: (.*)$/.exec(error.message);
  const command = commands.find(({ usage }) => usage.split(' ')[0] === argv[0]);
  if (unknown !== null && command !== undefined) {
    const name = unknown[1]!.split(', ')[0]!;
    if (!argv.some((text) => text.startsWith('-') && text.includes(name))) {
      return new UsageError(`${argv[0]!}: unexpected "${name}"`);
    }
    const near = suggestion(name, Object.keys(command.options)).replace('mean ', 'mean --');
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
  return noCommand(argv, commands);
}

function noCommand(argv: readonly string[], commands: readonly Command[]): UsageError {
  const known = commands.map(({ usage }) => usage.split(' ')[0]!);
  const word = argv.find((text) => !text.startsWith('-'));
  if (word === undefined) return new UsageError(`name a command: ${known.join(', ')} (or --help)`);
  return new UsageError(
    `unknown command "${word}"${suggestion(word, known)} (known: ${known.join(', ')})`,
  );
}
