/**
 * Reports and grants of virtual time as plain objects, and the checks they pass when they come from outside. Times are
 * whole picoseconds, or Infinity for "never" (msgpackr carries it). A parser answers with the message, or with a text
 * that says what is wrong with it. Read by hand: every window between processes carries both, and a shape takes ten
 * times as long.
 */
export interface BatonMessage {
  readonly next: number[];
  readonly commit: number[];
  readonly hops: number;
}

export interface ReportMessage {
  readonly next: number;
  readonly commit: number;
  readonly sent: { readonly to: number; readonly count: number; readonly least: number }[];
  readonly baton?: BatonMessage;
}

export interface GrantMessage {
  readonly horizon: number;
  readonly owed: { readonly from: number; readonly count: number }[];
  readonly baton?: BatonMessage;
}

/** A report of one of `processes` processes. */
export function parseReport(value: unknown, processes: number): ReportMessage | string {
  if (!isRecord(value)) return 'report: not an object';
  const { next, commit, sent } = value;
  if (!isTime(next)) return wrong('report.next', next);
  if (!isTime(commit) || commit < next) return wrong('report.commit', commit);
  if (!Array.isArray(sent) || sent.length > processes) return wrong('report.sent', sent);
  const parsed: ReportMessage['sent'] = [];
  for (const entry of sent as unknown[]) {
    if (!isRecord(entry)) return wrong('report.sent', entry);
    const { to, count, least } = entry;
    if (!isProcess(to, processes)) return wrong('report.sent.to', to);
    if (!isCount(count) || count === 0) return wrong('report.sent.count', count);
    if (!isTime(least) || least === Infinity) return wrong('report.sent.least', least);
    parsed.push({ to, count, least });
  }
  const baton = parseBaton(value['baton'], processes);
  if (typeof baton === 'string') return `report.${baton}`;
  return { next, commit, sent: parsed, ...(baton && { baton }) };
}

/** A grant among `processes` processes. */
export function parseGrant(value: unknown, processes: number): GrantMessage | string {
  if (!isRecord(value)) return 'grant: not an object';
  const { horizon, owed } = value;
  if (!isTime(horizon)) return wrong('grant.horizon', horizon);
  if (!Array.isArray(owed) || owed.length > processes) return wrong('grant.owed', owed);
  const parsed: GrantMessage['owed'] = [];
  for (const entry of owed as unknown[]) {
    if (!isRecord(entry)) return wrong('grant.owed', entry);
    const { from, count } = entry;
    if (!isProcess(from, processes)) return wrong('grant.owed.from', from);
    if (!isCount(count)) return wrong('grant.owed.count', count);
    parsed.push({ from, count });
  }
  const baton = parseBaton(value['baton'], processes);
  if (typeof baton === 'string') return `grant.${baton}`;
  return { horizon, owed: parsed, ...(baton && { baton }) };
}

function parseBaton(value: unknown, processes: number): BatonMessage | string | undefined {
  if (value === undefined) return undefined;
  if (!isRecord(value)) return wrong('baton', value);
  const { next, commit, hops } = value;
  if (!isTimes(next, processes)) return wrong('baton.next', next);
  if (!isTimes(commit, processes)) return wrong('baton.commit', commit);
  if (!isCount(hops)) return wrong('baton.hops', hops);
  return { next, commit, hops };
}

type Fields = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isTime = (value: unknown): value is number => value === Infinity || isCount(value);
const isTimes = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every(isTime);
const isProcess = (value: unknown, processes: number): value is number =>
  isCount(value) && value < processes;

/** Names the field and shows a little of what stood there. */
function wrong(field: string, value: unknown): string {
  const shown = typeof value === 'object' && value !== null ? 'an object or list' : String(value);
  return `${field}: ${shown.slice(0, 40)}`;
}
