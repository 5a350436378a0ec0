/** What a rule found, less what the house allows with a reason. An exception that nothing needs is a finding too. */

export interface Finding {
  /** What an exception names: a file, an edge, a function. */
  readonly key: string;
  readonly says: string;
  /** What a rule counts: lines, parameters. */
  readonly count?: number;
}

export interface Exception {
  readonly reason: string;
  /** Where the rule counts: the exception holds up to here. */
  readonly most?: number;
}

export type Exceptions = Readonly<Record<string, Exception | string>>;

/** The sentences that fail a test: empty when the tree and its list of exceptions agree. */
export function judge(findings: readonly Finding[], exceptions: Exceptions = {}): string[] {
  const listed = new Map(
    Object.entries(exceptions).map(([key, exception]) => [
      key,
      typeof exception === 'string' ? { reason: exception } : exception,
    ]),
  );
  const needed = new Set(findings.map(({ key }) => key));
  const wrong = findings.filter(({ key, count = 0 }) => {
    const exception = listed.get(key);
    return exception === undefined || count > (exception.most ?? Infinity);
  });
  const stale = [...listed.keys()].filter((key) => !needed.has(key));
  const silent = [...listed].filter(([, { reason }]) => reason.trim() === '');
  return [
    ...wrong.map(({ says }) => says),
    ...stale.map((key) => `${key}: the exception is no longer needed; remove it`),
    ...silent.map(([key]) => `${key}: the exception gives no reason`),
  ];
}

/** One reason for many files. */
export function allowed(reason: string, keys: readonly string[]): Exceptions {
  return Object.fromEntries(keys.map((key) => [key, { reason }]));
}
