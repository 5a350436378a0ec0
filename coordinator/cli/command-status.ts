/** `status`: what a cluster that is up is made of, does, and has to do. */
import { readdirSync, writeFileSync } from 'node:fs';
import { formatSize } from '../../units/size.js';
import { formatDuration, PS_PER_NS } from '../../units/time.js';
import { parseClusterStatus, type ClusterStatus } from '../cluster/cluster-status.js';
import { CoordinatorLine } from '../cluster/coordinator-line.js';
import type { CredentialOptions } from '../cluster/credentials.js';
import { hostLabel } from '../run/host-label.js';
import { watchInterruptions } from '../terminal/interruption.js';
import { readCoordinatorUrl } from '../options/network-address.js';
import { readWait } from '../options/option-values.js';
import { RunError } from '../errors/run-error.js';
import { runDirectory } from '../cluster/run-directory.js';
import type { Terminal } from '../terminal/terminal.js';
import { UsageError } from '../errors/usage-error.js';

export interface StatusOptions extends CredentialOptions {
  readonly json?: string | undefined;
  readonly wait?: string | undefined;
}

/** An answer is small; a coordinator that has none by then is in trouble. */
const ANSWER_MS = 10_000;

/** The exit status: 0 when the cluster answered, or every one that is up on this machine; 1 when none did. */
export async function statusCommand(
  address: string | undefined,
  options: StatusOptions,
  terminal: Terminal,
): Promise<number> {
  const wait = readWait('--wait', options.wait ?? '0s');
  const giveUp = new AbortController();
  const interruption = watchInterruptions(() => undefined);
  interruption.arrived.catch(() => giveUp.abort());
  const ask = (url: URL): Promise<Answer | undefined> =>
    statusOf({
      url,
      credentials: options,
      wait,
      what: 'status',
      signal: giveUp.signal,
      tell: (line) => terminal.error(line),
    });
  try {
    const answers =
      address === undefined
        ? await everyCluster(ask, isEncrypted(options) ? 'wss' : 'ws', terminal)
        : [await ask(readCoordinatorUrl('status', address))];
    if (interruption.isInterrupted) return 130;
    const answered = answers.filter((answer) => answer !== undefined);
    if (answered.length === 0) {
      throw new RunError(
        'no cluster of this user is running on this machine; give the URL of another one',
      );
    }
    const { json } = options;
    if (json === undefined) {
      terminal.write(answered.map(formatStatus).join('\n'));
    } else {
      const all = answered.map(({ url, status }) => ({ url, ...status }));
      write(json, address === undefined ? all : all[0]!, terminal);
    }
    return 0;
  } finally {
    interruption.dispose();
  }
}

/** Certificates are for clusters whose links are encrypted. */
const isEncrypted = (options: StatusOptions): boolean =>
  (['tls-ca', 'tls-cert', 'tls-key'] as const).some((name) => options[name] !== undefined);

export interface Answer {
  readonly url: string;
  readonly status: ClusterStatus;
}

type LineOptions = Parameters<typeof CoordinatorLine.open>[0];

/** Asks one coordinator. */
async function statusOf(options: LineOptions): Promise<Answer | undefined> {
  const line = await CoordinatorLine.open(options);
  if (line === undefined) return undefined;
  const { url } = line;
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => line.drop(`did not answer within ${ANSWER_MS / 1000} s`),
      ANSWER_MS,
    );
    line.listener = {
      heard: (reply) => {
        if (reply.type !== 'status') return;
        const status = parseClusterStatus(reply.status);
        if (typeof status === 'string') reject(new RunError(`${url}: malformed answer: ${status}`));
        else resolve({ url, status });
        line.close();
      },
      lost: (reason) => {
        clearTimeout(late);
        reject(new RunError(`lost the coordinator at ${url}: it ${reason}`));
      },
    };
    line.send({ type: 'status' });
  });
}

/** Asks each cluster whose token is in the user's run directory; those that are gone are counted and left out. */
async function everyCluster(
  ask: (url: URL) => Promise<Answer | undefined>,
  scheme: string,
  terminal: Terminal,
): Promise<(Answer | undefined)[]> {
  const directory = runDirectory();
  const ports = readdirSync(directory)
    .flatMap((name) => /^(\d+)\.token$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const answers = [];
  let gone = 0;
  for (const port of ports) {
    try {
      answers.push(await ask(new URL(`${scheme}://127.0.0.1:${port}`)));
    } catch (error) {
      if (!(error instanceof RunError || error instanceof UsageError)) throw error;
      if (error.message.includes('ECONNREFUSED')) gone++;
      else terminal.error(error.message);
    }
  }
  if (gone > 0) {
    const [files, clusters] = gone === 1 ? ['file', 'a cluster'] : ['files', 'clusters'];
    terminal.error(
      `${gone} token ${files} in ${directory} left behind by ${clusters} that did not shut down`,
    );
  }
  return answers;
}

function write(path: string, value: object, terminal: Terminal): void {
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  if (path === '-') {
    terminal.write(text);
    return;
  }
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new RunError(`${path} could not be written: ${(error as Error).message}`);
  }
}

/** The status of one cluster, for people. */
export function formatStatus({ url, status }: Answer): string {
  const { cluster, machines, missing_hosts: missing, runs } = status;
  const lines = [
    `${url}: ${cluster.hosts} hosts x ${cluster.cores} cores, ${formatSize(status.memory_bytes)} each; ` +
      `${cluster.profile}, MTU ${cluster.mtu}, ${cluster.topology}; ${cluster.clock} clock, noise ${cluster.noise}`,
    `up since ${status.since}, pinwire ${status.pinwire}, Node.js ${status.node}`,
    '',
    ...table([
      ['hosts', 'machine', 'address', 'pinwire', 'Node.js', 'cores', 'memory', 'since'],
      ...machines.map((each) => [
        hostsOf(each.hosts, each.host_count),
        each.name,
        each.address === '' ? '-' : each.address,
        each.pinwire,
        each.node,
        String(each.cores),
        `${(each.memory_bytes / 2 ** 30).toFixed(1)} GiB`,
        each.since,
      ]),
    ]),
  ];
  if (missing > 0) {
    lines.push(`waiting for hosts: ${cluster.hosts - missing} of ${cluster.hosts} have joined`);
  }
  if (status.trouble !== null) lines.push(`not linked up: ${status.trouble}`);
  lines.push('', ...linkLines(status), '', ...runLines(status));
  lines.push(
    `runs so far: ${runs.done} done, ${runs.failed} failed, ${runs.cancelled} cancelled; ` +
      `${status.clients} client${status.clients === 1 ? '' : 's'} connected`,
  );
  return `${lines.join('\n')}\n`;
}

function linkLines({ processes }: ClusterStatus): string[] {
  if (processes.length === 0) return ['links: none yet'];
  if (processes.length === 1) return ['links: none, all hosts are in one process'];
  const name = (process: number): string => hostsOf(processes[process]!.hosts, 0);
  return table([
    ['link', 'listening at', 'dials'],
    ...processes.map(({ fabric }, process) => [
      name(process),
      fabric,
      process === 0 ? '-' : Array.from({ length: process }, (_, other) => name(other)).join(', '),
    ]),
  ]);
}

function runLines({ run, queue }: ClusterStatus): string[] {
  const on =
    run === null
      ? 'no run in progress'
      : `run ${run.run}: ${run.workload}, at ${formatDuration(run.virtual_ns * PS_PER_NS)}, ` +
        `${run.packets} packets, ${run.wall_s.toFixed(1)} s so far; client ${run.client}`;
  return [
    on,
    ...queue.map(
      ({ workload, client }, index) => `queued (${index + 1}): ${workload}; client ${client}`,
    ),
  ];
}

/** `host0`, `host0 to host3`; hosts that have no numbers yet are counted. */
function hostsOf(hosts: readonly number[], count: number): string {
  if (hosts.length === 0) return `${count} waiting`;
  return hostLabel(hosts);
}

/** Columns as wide as what stands in them. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
