/** SimGrid's SMPI, in C: MPI programs whose messages are flows in a model of a network. */
import { sourcePath, type Peer } from './peer.js';

/**
 * As somebody would who wants it fast: what a rank computes between two calls of MPI is neither timed nor simulated,
 * which is a third of SMPI's time in a ping-pong; and contexts are switched in assembly, its default on x86-64.
 */
const SETTINGS = ['--cfg=smpi/simulate-computation:no', '--log=root.thresh:warning'];

export const SMPI: Peer = {
  name: 'SimGrid',
  packages: 'gcc libsimgrid-dev (and simgrid, in releases that have it)',
  needs: [
    { what: 'gcc', command: ['gcc', '--version'] },
    { what: 'smpicc', command: ['smpicc', '--version'] },
    { what: 'smpirun', command: ['smpirun', '-version'] },
  ],
  build: (source, binary) => ['smpicc', '-O2', '-o', binary, source],
  run: (binary, { ranks }, iterations) => [
    'smpirun',
    ...['-np', String(ranks)],
    ...['-platform', sourcePath('smpi/platform.xml'), '-hostfile', sourcePath('smpi/hosts')],
    ...SETTINGS,
    binary,
    String(iterations),
  ],
};
