/** docs/conformance.md against the code: what is cited has a line, what has a line is tested or said to be absent. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = 'docs/conformance.md';
/** Its own examples are no citations. */
const OWN = 'test/conformance/page.test.ts';

interface Line {
  readonly rule: number;
  readonly absent: boolean;
  readonly tests: readonly { readonly path: string; readonly title: string }[];
}

/** A line of the page and those indented below it: `- **7** ...`, then a test a point, or `- absent`. */
function linesOf(page: string): Line[] {
  const entries = page.split(/^- \*\*/m).slice(1);
  return entries.map((entry) => {
    const text = entry.split(/^## /m)[0]!.replace(/\s+/g, ' ').trim();
    const tests = [...text.matchAll(/ - `(test\/[^`]+)`: “([^”]+)”/g)];
    return {
      rule: Number.parseInt(text, 10),
      absent: text.endsWith(' - absent'),
      tests: tests.map(([, path, title]) => ({ path: path!, title: title! })),
    };
  });
}

/** Every number in `rule 7`, `rules 8-10`, `rules 60 and 64`, `rules 50, 51, 54-57`, also across lines of a comment. */
function rulesCitedIn(text: string): number[] {
  const cited: number[] = [];
  const prose = text.replace(/\n\s*(?:\*|\/\/) ?/g, ' ');
  for (const [, list] of prose.matchAll(/\b[Rr]ules? ((?:\d+(?:-\d+)?(?:, and |, | and )?)+)/g)) {
    for (const [, first, last] of list!.matchAll(/(\d+)(?:-(\d+))?/g)) {
      for (let rule = Number(first); rule <= Number(last ?? first); rule++) cited.push(rule);
    }
  }
  return cited;
}

/** The page and all TypeScript, as Git sees them, by path: the house rules' tree would parse every file. */
function readTexts(): Map<string, string> {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', PAGE];
  const paths = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const present = paths.filter((path) => existsSync(join(ROOT, path)));
  return new Map(present.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

describe('docs/conformance.md', () => {
  let texts: Map<string, string>;
  let lines: Line[];
  let cited: { readonly path: string; readonly rule: number }[];

  beforeAll(() => {
    texts = readTexts();
    lines = linesOf(texts.get(PAGE)!);
    cited = [...texts]
      .filter(([path]) => path !== PAGE && path !== OWN)
      .flatMap(([path, text]) => rulesCitedIn(text).map((rule) => ({ path, rule })));
  });

  it('is read as it is written', () => {
    expect(rulesCitedIn(' * so (rules 8-10, and 12). Rule 3: and rules\n * 60 and 64')).toEqual([
      8, 9, 10, 12, 3, 60, 64,
    ]);
    const page =
      '- **7** A rule. (C9)\n  - `test/a.test.ts`: “rule 7:\n    yes”\n- **8** No.\n  - absent\n';
    expect(linesOf(page)).toEqual([
      { rule: 7, absent: false, tests: [{ path: 'test/a.test.ts', title: 'rule 7: yes' }] },
      { rule: 8, absent: true, tests: [] },
    ]);
  });

  it('has a line for every rule, numbered from 1 on', () => {
    expect(lines.map(({ rule }) => rule)).toEqual(lines.map((_line, index) => index + 1));
    expect(lines.length).toBeGreaterThanOrEqual(140);
  });

  it('has a line for every number that code or a test cites, and none of those is absent', () => {
    expect(cited.length).toBeGreaterThan(100);
    const known = new Set(lines.filter(({ absent }) => !absent).map(({ rule }) => rule));
    expect(cited.filter(({ rule }) => !known.has(rule))).toEqual([]);
  });

  it('names a test for every rule that is not absent', () => {
    const wrong = lines.filter(({ absent, tests }) => absent === tests.length > 0);
    expect(wrong.map(({ rule }) => rule)).toEqual([]);
  });

  it('names tests that exist, by their titles', () => {
    const pins = lines.flatMap(({ rule, tests }) => tests.map((test) => ({ rule, ...test })));
    const missing = pins.filter(
      ({ path, title }) => texts.get(path)?.includes(`'${title}'`) !== true,
    );
    expect(missing).toEqual([]);
  });
});
