/**
 * Stages: the names under which an operation's latency is reported (ARCHITECTURE.md, "Latency, explained").
 * The order is fixed: half round trips and reports walk it, and it travels between processes.
 */
export const STAGES = [
  'backlog',
  'compute',
  'post',
  'doorbell',
  'wqe_fetch',
  'payload_fetch',
  'nic_wait',
  'nic_tx',
  'serialize',
  'propagate',
  'switch',
  'queue',
  'nic_rx',
  'translate',
  'payload_write',
  'atomic',
  'cqe_write',
  'poll',
  'ack',
  'retry',
  'syscall',
  'copy',
  'stack',
  'irq',
  'softirq',
  'wakeup',
] as const;

export type StageName = (typeof STAGES)[number];

/** `STAGE.nic_tx` is the row of `nic_tx` in every chain and table. */
export const STAGE = Object.fromEntries(STAGES.map((name, index) => [name, index])) as Record<
  StageName,
  number
>;

export const STAGE_COUNT = STAGES.length;

export interface StageTime {
  readonly name: StageName;
  readonly ps: number;
}

/** The stages that took time, in order. `sums` holds one value per stage from `at` on. */
export function stageTimes(sums: ArrayLike<number>, at = 0): StageTime[] {
  return STAGES.map((name, index) => ({ name, ps: sums[at + index] ?? 0 })).filter(
    ({ ps }) => ps !== 0,
  );
}

/**
 * The stages of half a round trip, of which `sums` are the whole: running sums in list order,
 * halved rounding up, then differences. They sum to ceil(whole / 2) exactly.
 */
export function halveStages(sums: ArrayLike<number>): number[] {
  const halves: number[] = [];
  let running = 0;
  let before = 0;
  for (let stage = 0; stage < STAGE_COUNT; stage++) {
    running += sums[stage] ?? 0;
    const half = Math.ceil(running / 2);
    halves.push(half - before);
    before = half;
  }
  return halves;
}
