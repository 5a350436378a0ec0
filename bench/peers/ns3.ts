/** ns-3, in C++: packets between devices, and UDP over IPv4. */
import type { Peer } from './peer.js';

/** pkg-config's own list wants packages that Debian's libns3-dev does not depend on. */
const LIBRARIES = ['internet', 'traffic-control', 'point-to-point', 'network', 'core'];
/** Of ns-3's five the fastest here, where few events are pending: a tenth less CPU time than its default, a map. */
const SCHEDULER = 'ns3::PriorityQueueScheduler';

export const NS3: Peer = {
  name: 'ns-3',
  packages: 'g++ libns3-dev',
  needs: [
    { what: 'g++', command: ['g++', '--version'] },
    {
      what: "ns-3's headers",
      command: [
        'g++',
        '-E',
        '-o',
        '/dev/null',
        '-include',
        'ns3/core-module.h',
        '-x',
        'c++',
        '/dev/null',
      ],
    },
  ],
  build: (source, binary) => [
    'g++',
    ...['-std=c++17', '-O2', '-o', binary, source],
    ...LIBRARIES.map((name) => `-lns3-${name}`),
  ],
  run: (binary, _program, iterations) => [
    binary,
    `--count=${iterations}`,
    `--scheduler=${SCHEDULER}`,
  ],
};
