/**
 * What the coordinator tells a host process, in the order of a process's life: peers (once), then per run
 * prepare, begin, grants or probes, and collect when it is over, or abandon; at last stop. Runs are numbered; an order
 * of a run that is over is ignored.
 */
import { MAX_HOSTS, MAX_PROCESSES } from '../../units/elements.js';
import { anything, list, reader, record, saying, text, variants, whole } from './shape.js';
import type { Infer, Shape } from './shape.js';

/** The path of the coordinator's control socket. */
export const CONTROL_PATH = '/control';

/** The numbers of hosts of some cluster. */
export const hostNumbers: Shape<readonly number[]> = list(
  MAX_HOSTS,
  saying('not a host number', whole(0, MAX_HOSTS - 1)),
);

/** One host process: the hosts it runs, and where its fabric socket listens. */
const PEER_ADDRESS = record('process', { hosts: hostNumbers, fabric: text(512) });
export type PeerAddress = Infer<typeof PEER_ADDRESS>;

const run = whole();

const ORDER = variants('order', {
  peers: { processes: list(MAX_PROCESSES, PEER_ADDRESS) },
  prepare: {
    run,
    /** Checked where it is used: the machine knows what it needs. */
    spec: anything,
    /** Where host0.pcapng and so on are written, if the spec asks for captures; empty to have them sent. */
    captureDirectory: text(),
  },
  begin: { run },
  grant: {
    run,
    grant: anything,
    /** The process that the receiver's report has waited for at the coordinator, and for how many us. */
    by: whole(0, MAX_PROCESSES - 1),
    held: whole(),
  },
  /** Real clock: say whether everything is quiet, under this number. */
  probe: { run, probe: whole() },
  /** This many bytes more of what was captured are where they are kept: as many may follow. */
  taken: { run, bytes: whole() },
  /** The run is over: answer with the outcome. */
  collect: { run },
  /** The run failed elsewhere or is not wanted any more: nothing is left of it. */
  abandon: { run },
  stop: {},
});
export type Order = Infer<typeof ORDER>;

/** An order, or what is wrong with it. */
export const parseOrder = reader(ORDER);
