/** The commands: what each is called, and from where it is loaded once it is the one that runs. */
import type { Options } from 'yargs';
import type { EventLog } from '../terminal/event-log.js';
import type { LogOptions } from '../terminal/log.js';
import type { Terminal } from '../terminal/terminal.js';

export type OptionTable = Readonly<Record<string, Options>>;
/** What the parser hands over: positionals and options by name. */
export type Values = Readonly<Record<string, unknown>>;

export interface Invocation {
  readonly values: Values;
  readonly argv: readonly string[];
  readonly terminal: Terminal;
}

export interface Command {
  /** As yargs reads it: `run <name..>`. */
  readonly usage: string;
  readonly describe: string;
  /** Loads the definitions of its options. */
  options(): Promise<OptionTable>;
  /** What `--help` says beyond the options, where these names are given. Rejects with a UsageError. */
  readonly help?: (names: readonly string[]) => Promise<string>;
  /** Loads what it needs, and does it; the exit status. */
  action(invocation: Invocation): Promise<number>;
}

const definitions = () => import('./options.js');

export const COMMANDS: readonly Command[] = [
  {
    usage: 'up',
    describe: 'start a cluster, here or of machines that join, and keep it up until Ctrl-C',
    options: async () => (await definitions()).UP_OPTIONS,
    action: async ({ values, terminal }) => {
      const { upCommand } = await import('./command-up.js');
      return upCommand(values, await logOf(values, terminal), terminal);
    },
  },
  {
    usage: 'join <url>',
    describe: 'add the hosts of this machine to a cluster (ws://coordinator:7600)',
    options: async () => (await definitions()).JOINING_OPTIONS,
    action: async ({ values, terminal }) => {
      const { joinCommand } = await import('./command-join.js');
      return joinCommand(String(values['url']), values, await logOf(values, terminal), terminal);
    },
  },
  running('run', 'run workloads: names from `list`, or paths of your own .js or .ts modules'),
  running('suite', 'run a suite: micro, host, hpc, trading, all, or demo'),
  running('explain', 'run one workload and break its median operation down into stages'),
  {
    usage: 'status [url]',
    describe:
      'show the state of a running cluster; without a URL, of your clusters on this machine',
    options: async () => (await definitions()).STATUS_OPTIONS,
    action: async ({ values, terminal }) => {
      const { statusCommand } = await import('./command-status.js');
      return statusCommand(values['url'] as string | undefined, values, terminal);
    },
  },
  {
    usage: 'decode <file..>',
    describe:
      'print RoCEv2 captures (pcap, pcapng; - for standard input), sorted by time, one line per packet',
    options: async () => (await definitions()).DECODE_OPTIONS,
    action: async ({ values, terminal }) => {
      const { decode } = await import('./decode.js');
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
    describe: 'compare two results files: exit 0 if they are equal, 1 if not',
    options: async () => (await definitions()).COMPARE_OPTIONS,
    action: async ({ values, terminal }) => {
      const { compareCommand } = await import('./command-compare.js');
      const tolerance = values['tolerance'] as string | undefined;
      return compareCommand(values['file'] as string[], tolerance, terminal);
    },
  },
  {
    usage: 'list [name..]',
    describe:
      'list the workloads (or those named) with every parameter and default, and the suites',
    options: () => Promise.resolve({}),
    action: async ({ values, terminal }) => {
      const { listCommand } = await import('./command-list.js');
      return listCommand((values['name'] ?? []) as string[], terminal);
    },
  },
  {
    usage: 'profiles [name..]',
    describe: 'show the hardware profiles: every number with its grade and source',
    options: () => Promise.resolve({}),
    action: async ({ values, terminal }) => {
      const { describeProfiles, formatProfiles } = await import('../profiles/profile-listing.js');
      const names = (values['name'] ?? []) as string[];
      terminal.write(formatProfiles(describeProfiles(names.length > 0 ? names : undefined)));
      return 0;
    },
  },
];

async function logOf(options: LogOptions, terminal: Terminal): Promise<EventLog> {
  const { createLog } = await import('../terminal/log.js');
  return createLog(options, (line) => terminal.error(line));
}

/** A command that runs workloads. */
function running(kind: 'run' | 'suite' | 'explain', describe: string): Command {
  const positional = kind === 'suite' ? 'suite' : 'name';
  return {
    usage: `${kind} <${positional}${kind === 'run' ? '..' : ''}>`,
    describe,
    options: async () => {
      const { RUN_COMMAND_OPTIONS, WORK_OPTIONS } = await definitions();
      return kind === 'run' ? RUN_COMMAND_OPTIONS : WORK_OPTIONS;
    },
    ...(kind !== 'suite' && {
      help: async (names) => (await import('./workload-help.js')).workloadHelp(names),
    }),
    action: async ({ values, argv, terminal }) => {
      const names = [values[positional]].flat() as string[];
      if (values['watch'] === true) {
        const { watchCommand } = await import('./command-watch.js');
        return watchCommand({ kind, names, options: values, argv }, terminal);
      }
      const { runCommand } = await import('./command-run.js');
      return runCommand({ kind, names, options: values, argv }, terminal);
    },
  };
}
