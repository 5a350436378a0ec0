/**
 * How the report looks. Series colours are Okabe and Ito's, which people with any kind of colour
 * vision can tell apart, made lighter on a dark page; a series has a shape of its own as well.
 */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a2330; --faint: #5b6777; --line: #e1e5ea;
  --accent: #0b62a4; --good: #0a7a4b; --good-back: #e3f5ec; --bad: #b3261e; --bad-back: #fdeceb;
  --warn: #7a5200; --warn-back: #fff4dc; --plain-back: #eceff3;
  --series-1: #0072b2; --series-2: #d55e00; --series-3: #009e73; --series-4: #b4558c;
  --series-5: #b87f00; --series-6: #3a9bd6; --series-7: #6b4fa0; --series-8: #5f6b7a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #18202a; --ink: #e6ebf1; --faint: #9fabba; --line: #2b3644;
    --accent: #6cb6f2; --good: #5fd39b; --good-back: #14342a; --bad: #ff8d85; --bad-back: #43201f;
    --warn: #f0c264; --warn-back: #3b3016; --plain-back: #232d39;
    --series-1: #56a8e8; --series-2: #ff8c4a; --series-3: #2fc597; --series-4: #e08fbd;
    --series-5: #ebb53c; --series-6: #9ad5f7; --series-7: #b39ddb; --series-8: #a8b3c1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1220px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 1.85rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 0 0 2px; }
h3.apart { margin-top: 22px; }
h4 { font-size: 0.92rem; margin: 18px 0 0; }
p { margin: 0 0 10px; max-width: 75ch; }
a { color: var(--accent); text-underline-offset: 3px; }
.faint, figcaption, .gloss { color: var(--faint); }
figcaption, .gloss { font-size: 0.875rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px 24px; margin-top: 20px; }
.head { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin-bottom: 6px; }
.chip { font-size: 0.8rem; font-weight: 600; padding: 2px 10px; border-radius: 999px; white-space: nowrap; }
.chip.good { color: var(--good); background: var(--good-back); }
.chip.bad { color: var(--bad); background: var(--bad-back); }
.chip.plain { color: var(--faint); background: var(--plain-back); }
.banner { border-radius: 10px; padding: 12px 16px; margin-top: 14px; }
.banner p:last-child { margin-bottom: 0; }
.banner.bad { color: var(--bad); background: var(--bad-back); border: 1px solid currentColor; }
.banner.warn { color: var(--warn); background: var(--warn-back); }
td.check { color: var(--faint); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 26px 30px; margin: 16px 0 8px; }
figure { margin: 0; min-width: 0; }
.plot { overflow-x: auto; }
.plot svg { display: block; width: 100%; min-width: 300px; height: auto; margin-top: 8px; font-family: inherit; }
.scroll { overflow-x: auto; margin-top: 10px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
.scroll.tall { max-height: 480px; overflow: auto; border-bottom: 1px solid var(--line); }
.tall thead th { position: sticky; top: 0; background: var(--card); }
.scroll table { min-width: 50%; }
th { text-align: left; font-weight: 600; color: var(--faint); vertical-align: bottom; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; }
td.number { white-space: nowrap; }
td.failed { color: var(--bad); font-weight: 600; }
table.waterfall { width: 100%; margin-top: 8px; }
table.waterfall td { padding-top: 3px; padding-bottom: 3px; border-bottom: 0; }
table.waterfall .stage { white-space: nowrap; }
table.waterfall .track { width: 46%; min-width: 110px; padding-right: 0; }
.track div { background: var(--plain-back); border-radius: 3px; }
.track i { display: block; height: 14px; min-width: 2px; border-radius: 3px; background: var(--series-1); }
table.waterfall tr.sum td { border-top: 1px solid var(--line); font-weight: 600; padding-top: 7px; }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--accent); font-size: 0.92rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 12px 22px; margin: 12px 0 4px; }
dt { color: var(--faint); font-size: 0.82rem; }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 0.875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--plain-back); border-radius: 8px; padding: 10px 14px; margin: 6px 0 0; overflow-x: auto; }
.key dt { color: var(--ink); font-weight: 600; font-size: 0.9rem; }
.key dd { color: var(--faint); font-size: 0.9rem; }
.key { grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); }
@media (max-width: 1000px) {
  .scroll table { font-size: 0.78rem; }
  .scroll th, .scroll td { padding-right: 7px; }
}
@media (max-width: 640px) {
  main { padding: 18px 12px 40px; }
  section { padding: 16px 14px; border-radius: 10px; }
  table.waterfall .gloss, .wide { display: none; }
  .chip { white-space: normal; }
  th, td { padding-right: 10px; }
}
@media print {
  body { background: #fff; }
  section { border-color: #ccc; }
  figure, tr { break-inside: avoid; }
  .scroll.tall { max-height: none; }
}
`;
