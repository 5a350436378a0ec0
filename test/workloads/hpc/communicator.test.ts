import { describe, expect, it } from 'vitest';
import type { Core, Program, Task } from '../../../node/program/verbs.js';
import type { Communicator, MessageBuffer } from '../../../workloads/hpc/communicator.js';
import { SocketCommunicator } from '../../../workloads/hpc/socket-communicator.js';
import { VerbsCommunicator } from '../../../workloads/hpc/verbs-communicator.js';
import { runEmbedded, type EmbeddedRun } from '../../embedded.js';

type Body = (communicator: Communicator, buffer: Buffers) => Promise<unknown>;
type Buffers = (length: number, text?: string) => Promise<MessageBuffer>;

type Kind = 'verbs' | 'kernel' | 'busy-poll' | 'bypass';
const KINDS: readonly Kind[] = ['verbs', 'kernel', 'busy-poll', 'bypass'];

const open = (kind: Kind, core: Core, task: Task): Promise<Communicator> =>
  kind === 'verbs'
    ? VerbsCommunicator.open(core, { eagerLimit: 1024, credits: 4 })
    : SocketCommunicator.open(core, task.placement, { path: kind });

/** Runs `body` on every rank, with a communicator that is connected to all others and closed at the end. */
function runRanks(kind: Kind, hosts: number, body: Body, faults = {}): Promise<EmbeddedRun> {
  const program: Program = async (core, task) => {
    const communicator = await open(kind, core, task);
    await communicator.connect(Array.from({ length: core.ranks }, (_, rank) => rank));
    const result = await body(communicator, async (length, text = '') => {
      const region = await communicator.allocate(length);
      region.bytes.set(Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)));
      return { region, offset: 0, length };
    });
    await communicator.close();
    return result;
  };
  return runEmbedded({ hosts, program, faults });
}

const textOf = ({ region }: MessageBuffer, length: number): string =>
  String.fromCharCode(...region.bytes.subarray(0, length));

describe.each(KINDS)('a communicator over %s', (kind) => {
  it('hands a message of any length to the rank and tag that it is for', async () => {
    for (const length of [0, 1, 204, 205, 1024, 1025, 70_000]) {
      const { values: results, failure } = await runRanks(kind, 2, async (communicator, buffer) => {
        if (communicator.rank === 0) {
          await communicator.send(await buffer(length, 'x'.repeat(length)), 1, 7);
          return length;
        }
        const into = await buffer(length + 10);
        const got = await communicator.recv(into, 0, 7);
        return textOf(into, got + 1) === `${'x'.repeat(length)}\0` ? got : -1;
      });
      expect(failure).toBeNull();
      expect(results).toEqual([length, length]);
    }
  });

  it('keeps order within a tag, and lets tags overtake each other', async () => {
    const { values: results } = await runRanks(kind, 2, async (communicator, buffer) => {
      if (communicator.rank === 0) {
        for (const [text, tag] of [
          ['a1', 1],
          ['b1', 2],
          ['a2', 1],
          ['b2', 2],
        ] as const) {
          await communicator.send(await buffer(2, text), 1, tag);
        }
        return '';
      }
      const into = await buffer(2);
      const texts: string[] = [];
      for (const tag of [2, 1, 1, 2]) {
        await communicator.recv(into, 0, tag);
        texts.push(textOf(into, 2));
      }
      return texts.join(' ');
    });
    expect(results[1]).toBe('b1 a1 a2 b2');
  });

  it('sets messages aside that nobody asks for yet, so that those behind them are not held up', async () => {
    const early = 40;
    const { values: results, failure } = await runRanks(kind, 2, async (communicator, buffer) => {
      const own = await buffer(900);
      if (communicator.rank === 0) {
        for (let number = 0; number < early; number++) {
          own.region.bytes.fill(number);
          await communicator.send(own, 1, 100 + number);
        }
        await communicator.send(await buffer(2, 'ok'), 1, 1);
        return '';
      }
      const into = await buffer(2);
      await communicator.recv(into, 0, 1);
      let right = textOf(into, 2);
      for (let number = early - 1; number >= 0; number--) {
        await communicator.recv(own, 0, 100 + number);
        if (own.region.bytes.some((byte) => byte !== number)) right = `wrong ${number}`;
      }
      return right;
    });
    expect(failure).toBeNull();
    expect(results[1]).toBe('ok');
  });

  it('exchanges messages round a ring, both ways at once, lost frames or not', async () => {
    for (const faults of [{}, { loss: 0.02 }]) {
      for (const length of [8, 1024, 20_000]) {
        const { values: results, failure } = await runRanks(
          kind,
          3,
          async (communicator, buffer) => {
            const { rank, size } = communicator;
            const own = await buffer(length);
            const other = await buffer(length);
            own.region.bytes[length - 1] = rank;
            for (let turn = 0; turn < 20; turn++) {
              const [right, left] = [(rank + 1) % size, (rank + size - 1) % size];
              await communicator.sendrecv(own, right, turn, other, left, turn);
              own.region.bytes[length - 1] = other.region.bytes[length - 1]!;
            }
            return own.region.bytes[length - 1];
          },
          faults,
        );
        expect(failure).toBeNull();
        // Twenty turns on a ring of three: each rank's mark is two places further.
        expect(results).toEqual([1, 2, 0]);
      }
    }
  });

  it('refuses a message that is longer than the buffer for it', async () => {
    for (const length of [100, 5000]) {
      const { failure } = await runRanks(kind, 2, async (communicator, buffer) => {
        if (communicator.rank === 0) return communicator.send(await buffer(length), 1, 0);
        return communicator.recv(await buffer(length - 1), 0, 0);
      });
      expect(failure?.message).toMatch(/longer than the buffer .*MPI_ERR_TRUNCATE/);
    }
  });

  it('says so when a rank is not connected', async () => {
    const { failure } = await runRanks(kind, 2, async (communicator, buffer) =>
      communicator.send(await buffer(8), communicator.rank, 0),
    );
    expect(failure?.message).toMatch(/rank [01] is not connected to rank [01]/);
  });

  it('connects ranks that name each other, whatever order they name them in', async () => {
    const program: Program = async (core, task) => {
      const communicator = await open(kind, core, task);
      const others = [3, 1, 0, 2].filter((rank) => (rank + core.rank) % 2 === 1);
      await communicator.connect(core.rank % 2 === 0 ? others : others.reverse());
      const buffer = { region: await communicator.allocate(8), offset: 0, length: 8 };
      for (const peer of others) {
        await communicator.sendrecv(buffer, peer, 0, buffer, peer, 0);
      }
      await communicator.close();
      return 'done';
    };
    const { values: results, failure } = await runEmbedded({ hosts: 4, program });
    expect(failure).toBeNull();
    expect(results).toEqual(['done', 'done', 'done', 'done']);
  });
});

describe('a communicator over verbs', () => {
  it.each([8, 600, 3000])(
    'lets a sender of %i bytes run ahead of a receiver only as far as credits and memory go',
    async (length) => {
      const messages = 50;
      const {
        values: results,
        counters,
        failure,
      } = await runRanks('verbs', 2, async (communicator, buffer) => {
        const own = await buffer(length);
        const sums: number[] = [];
        for (let number = 0; number < messages; number++) {
          if (communicator.rank === 0) {
            own.region.data.setUint32(0, number, true);
            await communicator.send(own, 1, 0);
          } else {
            await communicator.core.work(5_000_000 as never);
            await communicator.recv(own, 0, 0);
            sums.push(own.region.data.getUint32(0, true));
          }
        }
        return sums;
      });
      expect(failure).toBeNull();
      expect(results[1]).toEqual(Array.from({ length: messages }, (_, number) => number));
      expect(Object.values(counters).map(({ rnr_naks_sent: sent }) => sent)).toEqual([0, 0]);
    },
  );

  it('ends with the peer and the status when a connection breaks, and never hangs', async () => {
    const { failure } = await runRanks(
      'verbs',
      2,
      async (communicator, buffer) => communicator.send(await buffer(8), 1 - communicator.rank, 0),
      { loss: 1 },
    );
    expect(failure?.message).toMatch(/rank [01]: a send to rank [01] completed with RETRY_EXC_ERR/);
  });
});

describe('a communicator over sockets', () => {
  it('exchanges more at once than sockets hold, in pairs and round a ring', async () => {
    for (const hosts of [2, 3]) {
      const length = 3_000_000;
      const {
        values: results,
        failure,
        blocked,
      } = await runRanks('kernel', hosts, async (communicator, buffer) => {
        const { rank, size } = communicator;
        const own = await buffer(length);
        const other = await buffer(length);
        own.region.bytes.fill(rank + 1);
        const [right, left] = [(rank + 1) % size, (rank + size - 1) % size];
        await communicator.sendrecv(own, right, 0, other, left, 0);
        return other.region.bytes.every((byte) => byte === left + 1);
      });
      expect(failure).toBeNull();
      expect(blocked).toEqual([]);
      expect(results).toEqual(Array.from({ length: hosts }, () => true));
    }
  });

  it('connects ranks of one host', async () => {
    const program: Program = async (core, task) => {
      const communicator = await open('kernel', core, task);
      await communicator.connect([1 - core.rank]);
      const region = await communicator.allocate(16);
      region.bytes[0] = core.rank + 1;
      const own = { region, offset: 0, length: 8 };
      await communicator.sendrecv(own, 1 - core.rank, 0, { ...own, offset: 8 }, 1 - core.rank, 0);
      await communicator.close();
      return region.bytes[8];
    };
    const programs = [0, 1].map((core) => ({ host: 0, core, role: '' }));
    const { values: results, failure } = await runEmbedded({ hosts: 2, programs, program });
    expect(failure).toBeNull();
    expect(results).toEqual([2, 1]);
  });
});
