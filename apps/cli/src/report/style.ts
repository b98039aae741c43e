import { Markup } from './markup.ts';

/** The report's style sheet: light, or dark where the reader prefers it; one column on a phone. */
export const style: Markup = new Markup(`
:root {
  color-scheme: light dark;
  --page: #f5f4f8; --card: #ffffff; --ink: #1c1a24; --quiet: #66626f; --line: #e4e1ea;
  --mark: #0b63ce; --good: #1a7f4b; --bad: #c02b3c;
  --accent: #b5367a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0c0b10; --card: #15131c; --ink: #eeecf4; --quiet: #a09cab; --line: #2b2836;
    --mark: #6cb3ff; --good: #57c78a; --bad: #ff7b86;
    --accent: #fb8761;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 48px 24px 64px; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; }
h1 { font-size: clamp(28px, 5vw, 40px); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 12px; text-wrap: balance; }
h2 { font-size: 21px; letter-spacing: -0.01em; margin: 60px 0 6px; }
.name { margin: 0 0 10px; font-size: 14px; font-weight: 600; color: var(--accent); }
p { margin: 0 0 20px; max-width: 68ch; color: var(--quiet); }
p.lead { font-size: 18px; }
b, strong { color: var(--ink); font-weight: 600; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 20px 24px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 20px; }
figure { margin: 0; }
figure.card { padding: 8px; }
figure svg { display: block; margin: 0 auto; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 20px; align-items: start; }
.chart svg { display: block; width: 100%; max-width: 560px; height: auto; margin: 0 auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: 13px; white-space: nowrap; }
th, td { padding: 9px 20px 9px 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
.number, .tight { white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .quiet { color: var(--quiet); }
.meter { display: block; width: 100%; min-width: 44px; height: 6px; border-radius: 3px; background: var(--line); margin-top: 5px; }
.meter i { display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--accent); }
footer { margin-top: 64px; padding-top: 20px; border-top: 1px solid var(--line); font-size: 14px; color: var(--quiet); }
footer p { font-size: inherit; margin-bottom: 8px; }
@media (max-width: 760px) {
  body { padding: 28px 14px 40px; }
  .pair { grid-template-columns: minmax(0, 1fr); }
  .card { padding: 14px 16px; }
  figure.card { padding: 0; }
}
`);
