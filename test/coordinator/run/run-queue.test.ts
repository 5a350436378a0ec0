/** The queue of a cluster that stays up, over processes that do what their runs' parameters say and nothing else. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { RunQueue, type FinishedRun, type RunOrder } from '../../../coordinator/run/run-queue.js';
import type { StandingCluster } from '../../../coordinator/cluster/standing-cluster.js';
import { SILENT } from '../terminal/silent-log.js';
import { ToyCluster, ToyProcess, toySpec, type Behaviour } from '../cluster/toy-cluster.js';

/** What Node.js does by itself when memory is short. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** An order that notes what becomes of it. */
class NotedOrder implements RunOrder {
  readonly client = 'ada@node7';
  readonly heard: string[] = [];
  readonly ended: Promise<void>;
  readonly bytes: number;
  readonly request: RunOrder['request'];
  readonly name: string;
  private markEnded!: () => void;

  constructor(name: string, behaviour: Behaviour, bytes = 0) {
    this.name = name;
    this.bytes = bytes;
    this.ended = new Promise((resolve) => (this.markEnded = resolve));
    this.request = { captureDirectory: '', spec: toySpec(behaviour) };
  }

  waiting(before: number, missing: number): void {
    this.heard.push(`waits for ${before} runs, ${missing} hosts`);
  }

  started(): void {
    this.heard.push('started');
  }

  done({ values }: { readonly values: readonly unknown[] }): void {
    this.heard.push(`done: ${String(values[0])}`);
    this.markEnded();
  }

  failed(message: string): void {
    this.heard.push(`failed: ${message}`);
    this.markEnded();
  }
}

function queueOver(cluster: StandingCluster): { queue: RunQueue; finished: FinishedRun[] } {
  const finished: FinishedRun[] = [];
  return { queue: new RunQueue(cluster, SILENT, (run) => finished.push(run)), finished };
}

async function begun(order: NotedOrder): Promise<void> {
  while (!order.heard.includes('started')) await sleep(1);
}

describe('runs of a cluster that stays up', () => {
  test('come one at a time, in the order in which they were asked for, under growing numbers', async () => {
    const process = new ToyProcess();
    const { queue, finished } = queueOver(new ToyCluster(process));
    const orders = ['a', 'b', 'c'].map((name) => new NotedOrder(name, 'ends'));
    for (const order of orders) expect(queue.add(order)).toBeUndefined();
    await Promise.all(orders.map(({ ended }) => ended));
    expect(process.told).toEqual(
      [1, 2, 3].flatMap((run) => [`prepare ${run}`, `begin ${run}`, `collect ${run}`]),
    );
    expect(orders[2]!.heard).toEqual([
      'waits for 2 runs, 0 hosts',
      'waits for 1 runs, 0 hosts',
      'started',
      'done: result of run 3',
    ]);
    expect(finished.map(({ order, outcome }) => `${order.name} ${outcome}`)).toEqual([
      'a done',
      'b done',
      'c done',
    ]);
    expect(queue.counts).toEqual({ done: 3, failed: 0, cancelled: 0 });
  });

  test('fail without harm to the next', async () => {
    const process = new ToyProcess();
    const { queue } = queueOver(new ToyCluster(process));
    const [first, second] = [new NotedOrder('a', 'throws'), new NotedOrder('b', 'ends')];
    queue.add(first);
    queue.add(second);
    await second.ended;
    expect(first.heard.at(-1)).toBe('failed: host0 core 0: thrown on purpose');
    expect(process.told).toContain('abandon 1');
    expect(second.heard.at(-1)).toBe('done: result of run 2');
    expect(queue.counts).toEqual({ done: 1, failed: 1, cancelled: 0 });
  });

  test('are given up by every process when they are cancelled, and the next begins', async () => {
    const process = new ToyProcess();
    const { queue } = queueOver(new ToyCluster(process));
    const [first, second] = [new NotedOrder('a', 'goes on'), new NotedOrder('b', 'ends')];
    queue.add(first);
    queue.add(second);
    await begun(first);
    expect(queue.current?.order).toBe(first);
    expect(queue.waiting).toEqual([second]);
    queue.cancel(first, 'its client disconnected');
    await second.ended;
    expect(first.heard.at(-1)).toBe('failed: its client disconnected');
    expect(process.told.slice(2)).toEqual(['abandon 1', 'prepare 2', 'begin 2', 'collect 2']);
  });

  test('that wait can be cancelled, and nobody hears of them', async () => {
    const process = new ToyProcess();
    const { queue } = queueOver(new ToyCluster(process));
    const orders = ['a', 'b', 'c'].map((name) => new NotedOrder(name, 'ends'));
    for (const order of orders) queue.add(order);
    queue.cancel(orders[1]!, 'it was cancelled');
    await orders[2]!.ended;
    expect(orders[1]!.heard).not.toContain('started');
    expect(orders[2]!.heard.at(-1)).toBe('done: result of run 2');
    expect(queue.counts).toEqual({ done: 2, failed: 0, cancelled: 1 });
  });

  test('wait for hosts, and learn how many are missing', async () => {
    const cluster = new ToyCluster();
    cluster.missingHosts = 2;
    const { queue } = queueOver(cluster);
    const order = new NotedOrder('a', 'ends');
    queue.add(order);
    cluster.missingHosts = 1;
    await sleep(400);
    cluster.rise(new ToyProcess());
    await order.ended;
    expect(order.heard).toEqual([
      'waits for 0 runs, 2 hosts',
      'waits for 0 runs, 1 hosts',
      'started',
      'done: result of run 1',
    ]);
  });

  test('fail with the name of a process that is lost; the next waits for others, and is numbered on', async () => {
    const [old, young] = [new ToyProcess(), new ToyProcess()];
    const cluster = new ToyCluster(old);
    const { queue } = queueOver(cluster);
    const [first, second] = [new NotedOrder('a', 'goes on'), new NotedOrder('b', 'ends')];
    queue.add(first);
    queue.add(second);
    await begun(first);
    cluster.fall(2);
    old.lose(0, 'was killed by SIGKILL');
    await first.ended;
    expect(first.heard.at(-1)).toBe('failed: host0 to host1 (pid 4711) was killed by SIGKILL');
    cluster.rise(young);
    await second.ended;
    expect(young.told[0]).toBe('prepare 2');
  });
});

describe('a queue of a cluster that stays up for long', () => {
  test('goes on when the counter of its runs, or the taker of a record, fails', async () => {
    const queue = new RunQueue(new ToyCluster(new ToyProcess()), SILENT, () => {
      throw new Error('a counter does not go back');
    });
    const orders = ['a', 'b', 'c'].map((name) => new NotedOrder(name, 'ends'));
    orders[1]!.done = () => {
      throw new RangeError('the record is too long');
    };
    for (const order of orders) queue.add(order);
    await Promise.all(orders.map(({ ended }) => ended));
    expect(orders.map(({ heard }) => heard.at(-1))).toEqual([
      'done: result of run 1',
      'failed: RangeError: the record is too long',
      'done: result of run 3',
    ]);
  });

  test('keeps nothing of a run that is over, however long its processes live', async () => {
    const queue = new RunQueue(new ToyCluster(new ToyProcess()), SILENT);
    const records: WeakRef<object>[] = [];
    class Counted extends NotedOrder {
      override done(record: { readonly values: readonly unknown[] }): void {
        records.push(new WeakRef(record));
        super.done(record);
      }
    }
    // Of the last one the queue may still know.
    for (let run = 0; run < 4; run++) {
      const order = new Counted('a', 'ends');
      queue.add(order);
      await order.ended;
    }
    await sleep(10);
    collectGarbage();
    expect(records.slice(0, 3).filter((each) => each.deref() !== undefined)).toEqual([]);
  });
});

describe('a queue that is drained', () => {
  test('lets the current run end, and refuses those that wait and those that come', async () => {
    const cluster = new ToyCluster();
    const { queue } = queueOver(cluster);
    const [first, second] = [new NotedOrder('a', 'ends'), new NotedOrder('b', 'ends')];
    queue.add(first);
    cluster.rise(new ToyProcess());
    await begun(first);
    queue.add(second);
    await queue.drain(10_000, 'the cluster is stopping');
    expect(first.heard.at(-1)).toBe('done: result of run 1');
    expect(second.heard.at(-1)).toBe('failed: the cluster is stopping');
    expect(queue.add(new NotedOrder('c', 'ends'))).toBe('the cluster is stopping');
  });

  test('ends a run that does not end in time', async () => {
    const process = new ToyProcess();
    const { queue } = queueOver(new ToyCluster(process));
    const order = new NotedOrder('a', 'goes on');
    queue.add(order);
    await begun(order);
    const asked = performance.now();
    await queue.drain(50, 'the cluster is stopping');
    expect(performance.now() - asked).toBeGreaterThanOrEqual(49);
    expect(order.heard.at(-1)).toBe('failed: the cluster is stopping');
    expect(process.told).toContain('abandon 1');
  });
});

describe('a queue has room', () => {
  test('for a number of runs', () => {
    const { queue } = queueOver(new ToyCluster());
    for (let i = 0; i < 256; i++) expect(queue.add(new NotedOrder('a', 'ends'))).toBeUndefined();
    expect(queue.add(new NotedOrder('b', 'ends'))).toBe('the queue is full: 256 runs are waiting');
  });

  test('for a number of bytes of input', () => {
    const { queue } = queueOver(new ToyCluster());
    expect(queue.add(new NotedOrder('a', 'ends', 2 ** 30))).toBeUndefined();
    expect(queue.add(new NotedOrder('b', 'ends', 1))).toMatch(/too much memory/);
    expect(queue.add(new NotedOrder('c', 'ends', 0))).toBeUndefined();
  });
});
