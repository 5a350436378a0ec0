/**
 * The rooms of the house, from the ground up: each imports only rooms above it in this table. The graph of imports by
 * value is therefore acyclic; an import of types may look down, with a reason.
 */
import type { Room } from './rooms.js';

const MODEL = [
  'node/model/memory',
  'node/model/net',
  'node/model/fabric',
  'node/model/nic',
  'node/model/rdma',
];

const BOARD = 'The board names its parts; a part names the board that it is wired to.';
/** Who starts a host process must know whether a debugger holds it up. */
const DEBUGGER = { 'node/cores': ['node/cores/attached-debugger.ts'] };
/** A workload's own functions are the user's code too, and their errors are reported as a program's. */
const TOLD_ERRORS = { 'node/cores': ['node/cores/told-error.ts'] };
const DEBUGGER_AND_TOLD_ERRORS = {
  'node/cores': [...DEBUGGER['node/cores'], ...TOLD_ERRORS['node/cores']],
};
const SPEC = 'A run is described in the words of those that carry it out.';

export const ROOMS: readonly Room[] = [
  { name: 'units', values: [] },
  { name: 'sim', values: ['units'] },
  { name: 'wire', values: ['units'] },
  { name: 'wire/control', values: ['units', 'wire', 'sim'] },

  {
    name: 'node/spec',
    values: ['units', 'wire/control'],
    typesFromBelow: {
      'node/model/fabric': SPEC,
      'node/links': SPEC,
      'node/process': SPEC,
      'node/program': SPEC,
    },
  },

  // The pure model of a host: functions of (state, bytes, now).
  { name: 'node/model/memory', values: ['units', 'sim'] },
  // Protocols above the frame: the kernel runs them, and so does a program that owns a queue.
  { name: 'node/model/net', values: ['units', 'sim', 'wire'] },
  {
    name: 'node/model/fabric',
    values: ['units', 'sim', 'wire'],
    types: ['node/spec'],
  },
  {
    name: 'node/model/nic',
    values: ['units', 'sim', 'wire', 'node/model/memory', 'node/model/fabric'],
    types: ['node/spec'],
  },
  {
    name: 'node/model/rdma',
    values: ['units', 'sim', 'wire', 'node/model/memory', 'node/model/fabric', 'node/model/nic'],
    types: ['node/spec'],
  },
  {
    name: 'node/model/kernel',
    values: ['units', 'sim', 'wire', 'node/spec', ...MODEL],
    typesFromBelow: {
      'node/model': BOARD,
      'node/program': 'A call carries the attributes of a queue pair as the verbs spell them.',
      'node/program/mailbox': 'The kernel answers the calls that a program leaves there.',
    },
  },
  // Boards: they compose the parts and have no behaviour.
  { name: 'node/model', values: ['units', 'sim', 'wire', ...MODEL], types: ['node/spec'] },

  {
    name: 'node/program/mailbox',
    values: ['units', 'sim', 'node/model/nic'],
    types: ['node/spec'],
    typesFromBelow: { 'node/program': 'A cell holds what the verbs pass through it.' },
  },
  {
    name: 'node/program',
    with: ['node/program/bypass'],
    values: [
      ...['units', 'sim', 'wire', 'node/spec', 'node/program/mailbox'],
      ...['node/model/memory', 'node/model/net', 'node/model/nic', 'node/model/rdma'],
    ],
  },
  {
    name: 'node/cores',
    values: ['sim', 'node/spec', 'node/model/nic', 'node/program', 'node/program/mailbox'],
    types: ['node/model', 'node/model/kernel', 'node/model/memory', 'node/model/rdma'],
  },
  { name: 'node/door', values: ['units', 'wire/control'] },
  {
    name: 'node/links',
    values: ['units', 'sim', 'wire', 'node/door', 'node/model/fabric'],
    types: ['wire/control'],
  },
  {
    name: 'node/process',
    values: [
      ...['units', 'sim', 'wire', 'wire/control', 'node/spec', 'node/cores', 'node/door'],
      ...['node/links', 'node/model', 'node/model/kernel', ...MODEL],
    ],
    types: ['node/program', 'node/program/mailbox'],
  },

  ...workloadRooms(),

  // The entry of a host process: it alone knows what is installed beside the emulator.
  {
    name: 'node',
    only: ['node/main.ts'],
    values: ['node/process', 'workloads'],
    through: { workloads: ['workloads/catalogue.ts'] },
  },

  { name: 'coordinator/errors', values: [] },
  {
    name: 'coordinator/options',
    values: ['units', 'coordinator/errors'],
    types: ['node/spec', 'node/process'],
    typesFromBelow: { 'coordinator/profiles': 'A fault names the profile whose times it reads.' },
  },
  {
    name: 'coordinator/terminal',
    values: ['units', 'coordinator/errors', 'coordinator/options'],
    typesFromBelow: { 'coordinator/run': 'The line of progress reads a run as it is.' },
  },
  {
    name: 'coordinator/profiles',
    values: ['units', 'coordinator/errors', 'coordinator/options'],
    types: ['node/spec'],
  },
  {
    name: 'coordinator/plan',
    values: [
      ...['units', 'sim', 'wire/control', 'node/spec', 'node/model/fabric', 'node/process'],
      ...['workloads', 'coordinator/errors', 'coordinator/options', 'coordinator/profiles'],
      'node/cores',
    ],
    types: ['workloads/authoring'],
    through: TOLD_ERRORS,
    typesFromBelow: { 'coordinator/report': 'The plan says which unit a parameter is printed in.' },
  },
  {
    name: 'coordinator/run',
    values: [
      ...['units', 'sim', 'wire/control', 'node/spec', 'node/model/fabric', 'node/process'],
      ...['node/cores', 'workloads/authoring', 'coordinator/errors', 'coordinator/options'],
      'coordinator/plan',
    ],
    types: ['coordinator/terminal'],
    through: DEBUGGER_AND_TOLD_ERRORS,
    typesFromBelow: {
      'coordinator/cluster': 'A run is handed its cluster, which is built after it.',
      'coordinator/report': 'A run fills the record that the report prints.',
    },
  },
  {
    name: 'coordinator/report',
    values: [
      ...['units', 'sim', 'workloads/authoring'],
      ...['coordinator/errors', 'coordinator/options', 'coordinator/run', 'coordinator/terminal'],
    ],
    types: ['coordinator/plan'],
  },
  {
    name: 'coordinator/cluster',
    values: [
      ...['units', 'sim', 'wire/control', 'node/spec', 'node/cores', 'node/door', 'node/process'],
      ...['coordinator/errors', 'coordinator/options', 'coordinator/plan', 'coordinator/run'],
      'coordinator/terminal',
    ],
    types: ['coordinator/report'],
    through: DEBUGGER,
  },
  // `pinwire/embedded`: runs in the caller's own process.
  {
    name: 'coordinator/embedded',
    values: [
      ...['units', 'sim', 'node/spec', 'node/process', 'coordinator/errors'],
      ...['coordinator/options', 'coordinator/profiles', 'coordinator/plan', 'coordinator/run'],
    ],
    types: [
      ...['wire/control', 'node/program', 'workloads/authoring'],
      ...['coordinator/report', 'coordinator/cluster'],
    ],
  },
  {
    name: 'coordinator/operations',
    values: [
      ...['units', 'node/door', 'node/links', 'node/model/fabric'],
      ...['coordinator/errors', 'coordinator/options', 'coordinator/terminal'],
    ],
    types: ['node/process', 'coordinator/cluster', 'coordinator/run'],
  },
  {
    name: 'coordinator/cli',
    values: [
      ...['units', 'sim', 'wire', 'wire/control', 'workloads'],
      ...['coordinator/errors', 'coordinator/options', 'coordinator/terminal'],
      ...['coordinator/profiles', 'coordinator/plan', 'coordinator/run', 'coordinator/report'],
      ...['coordinator/cluster', 'coordinator/operations'],
    ],
    types: ['node/process', 'workloads/authoring'],
    through: { workloads: ['workloads/catalogue.ts'] },
  },
  {
    name: 'coordinator',
    only: ['coordinator/main.ts'],
    values: ['coordinator/cli', 'coordinator/terminal'],
  },

  {
    name: 'bench/peers',
    values: ['coordinator/errors', 'coordinator/report', 'coordinator/terminal'],
    typesFromBelow: { bench: 'A peer is compared over the work that the bench measures.' },
  },
  {
    name: 'bench/digests',
    values: ['sim', 'coordinator/errors', 'coordinator/options', 'coordinator/terminal'],
    types: ['coordinator/report'],
  },
  {
    name: 'bench/placements',
    values: [
      ...['coordinator/errors', 'coordinator/options', 'coordinator/terminal', 'coordinator/plan'],
      ...['coordinator/run', 'coordinator/cluster', 'coordinator/embedded', 'bench/digests'],
    ],
    types: ['coordinator/report'],
  },
  {
    name: 'bench',
    values: [
      ...['units', 'sim', 'wire', 'node/model/nic', 'node/program', 'workloads/authoring'],
      ...['bench/peers', 'coordinator/embedded', 'coordinator/errors', 'coordinator/options'],
      'coordinator/terminal',
    ],
  },

  // Outside the build.
  { name: 'bin', only: ['bin/pinwire.js'], values: [] },
  { name: 'deploy', only: ['deploy/health.js'], values: [] },
  { name: 'examples', values: [] },
  {
    name: '.',
    only: ['vitest.config.ts', 'vitest-quick.config.ts', 'eslint.config.js'],
    values: [],
  },
];

/** Programs see a host only as its verbs and sockets, whatever else stands in that room. */
function workloadRooms(): Room[] {
  const through = { 'node/program': ['node/program/verbs.ts', 'node/program/sockets.ts'] };
  const program = (name: string, values: readonly string[]): Room => ({
    name,
    values: ['units', 'node/program', ...values],
    through,
  });
  const feedAndOrders = 'A session is set up in the words of the lines that run in it.';
  return [
    program('workloads/authoring', []),
    program('workloads/micro', ['workloads/authoring']),
    // Its generators write Ethernet, IPv4 and UDP themselves, as a program over raw frames does.
    program('workloads/host', ['wire', 'workloads/authoring', 'workloads/micro']),
    program('workloads/hpc', ['workloads/authoring']),
    program('workloads/trading/wire-formats', []),
    program('workloads/trading/market', ['workloads/trading/wire-formats']),
    {
      ...program('workloads/trading/session', ['workloads/authoring']),
      types: ['workloads/trading/market'],
      typesFromBelow: {
        'workloads/trading/feed': feedAndOrders,
        'workloads/trading/orders': feedAndOrders,
      },
    },
    program('workloads/trading/feed', [
      'workloads/authoring',
      ...tradingRooms('wire-formats', 'market', 'session'),
    ]),
    program('workloads/trading/orders', [
      'workloads/authoring',
      ...tradingRooms('wire-formats', 'market', 'session', 'feed'),
    ]),
    program('workloads/trading', [
      'workloads/authoring',
      ...tradingRooms('wire-formats', 'market', 'session', 'feed', 'orders'),
    ]),
    {
      name: 'workloads',
      only: ['workloads/catalogue.ts'],
      values: ['micro', 'host', 'hpc', 'trading'].map((name) => `workloads/${name}`),
      types: ['workloads/authoring'],
    },
  ];
}

function tradingRooms(...names: readonly string[]): string[] {
  return names.map((name) => `workloads/trading/${name}`);
}

/** Below these directories nothing knows a clock, a socket or Node. */
export const PURE = {
  rooms: ['units', 'sim', 'wire', 'node/model'],
  packages: { 'node:zlib': ['wire'], msgpackr: ['wire/control'] },
};

/** What tests check that belongs to no room: whole runs, the standard, deployments, this test. */
export const TEST_ROOMS = [
  ...['conformance', 'deploy', 'docs', 'fidelity', 'package', 'process', 'simulation', 'tidy'],
  'vectors',
];

/** Files that something outside the tree's imports loads. What package.json exports is added to them. */
export const ENTRIES = [
  ...['coordinator/main.ts', 'node/main.ts', 'bench/main.ts', 'bench/digests/main.ts'],
  ...['bench/placements/main.ts', 'bench/placements/load-process.ts'],
  // Threads are started by the path of their file.
  ...['node/cores/core-worker.ts', 'node/cores/watchdog-thread.ts'],
  ...['bin/pinwire.js', 'deploy/health.js', 'examples/ping-pong.ts'],
  ...['vitest.config.ts', 'vitest-quick.config.ts', 'eslint.config.js'],
];
