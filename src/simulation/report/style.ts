import { html } from "./html.ts";

/** The report's style sheet: system fonts, figures of equal width, two palettes, and a page that prints. */
export const style = html`
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --ink: #1b1e21; --soft: #5d646b; --hair: #e4e5e2; --rule: #b9bdbf;
  --ours: #0b66ad; --dense: #b3541e;
  --s0: #0b66ad; --s1: #1f8a70; --s2: #8458b3; --s3: #a8841a; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e7e9eb; --soft: #9aa2a9; --hair: #2a2f34; --rule: #4b535a;
    --ours: #62b4f5; --dense: #ee9b63;
    --s0: #62b4f5; --s1: #4fc3a1; --s2: #b795e4; --s3: #d9b84a; --on: #101315;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --ink: #000000; --soft: #444444; --hair: #dddddd; --rule: #999999;
    --ours: #0b66ad; --dense: #b3541e;
    --s0: #0b66ad; --s1: #1f8a70; --s2: #8458b3; --s3: #a8841a; --on: #ffffff;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); }
body {
  max-width: 1040px; margin: 0 auto; padding: 56px 40px 72px;
  color: var(--ink); background: var(--paper);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; -webkit-print-color-adjust: exact; print-color-adjust: exact;
}
h1 { margin: 0; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { margin: 0 0 2px; font-size: 17px; line-height: 1.35; font-weight: 620; letter-spacing: -0.005em; }
p { margin: 0; }
.lede, figure > p, .fine { color: var(--soft); }
.lede { margin-top: 6px; }
.fine { font-size: 13px; max-width: 72ch; }
.tiles + .fine { margin-top: 36px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 24px 32px; margin: 36px 0 8px; padding: 0; }
.tiles div { border-top: 2px solid var(--ink); padding-top: 10px; }
.tiles dt { font-size: 13px; color: var(--soft); }
.tiles dd { margin: 0; }
.tiles .number { font-size: 32px; line-height: 1.25; font-weight: 620; letter-spacing: -0.02em; }
.tiles .unit { font-size: 18px; font-weight: 500; letter-spacing: 0; }
.tiles .beside { font-size: 13px; line-height: 1.45; color: var(--soft); }
figure { margin: 52px 0 0; break-inside: avoid; }
figure > p { margin-bottom: 14px; max-width: 76ch; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; overflow: visible; font-size: 13px; }
svg + svg { margin-top: 14px; }
text { fill: var(--ink); }
.grid { stroke: var(--hair); }
.base, .mark { stroke: var(--rule); }
.tick, .axis { fill: var(--soft); }
.threshold { stroke: var(--soft); stroke-dasharray: 2 4; }
.plumb { stroke-dasharray: 2 3; }
.span { stroke: var(--rule); stroke-width: 1.5; }
.note { fill: var(--soft); font-size: 12.5px; }
.strong { fill: var(--ink); font-weight: 620; font-size: 13px; }
.name, .note, .strong, .value { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
.name { font-weight: 620; }
.series polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.ours polyline, line.ours { stroke: var(--ours); }
.dense polyline, line.dense { stroke: var(--dense); }
.ours circle, circle.ours, text.ours { fill: var(--ours); }
.dense circle, circle.dense, text.dense { fill: var(--dense); }
.stage .value, .total .value { font-size: 12.5px; }
.total .row, .total .value { font-weight: 620; }
.stage-0 { fill: var(--s0); } .stage-1 { fill: var(--s1); } .stage-2 { fill: var(--s2); } .stage-3 { fill: var(--s3); }
.on { fill: var(--on); font-size: 12.5px; font-weight: 600; }
details { margin-top: 28px; border-top: 1px solid var(--hair); padding-top: 14px; }
figure + details { margin-top: 52px; }
summary { cursor: pointer; font-weight: 620; }
summary span { font-weight: 400; color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin-top: 14px; font-size: 13px; line-height: 1.4; }
th { font-weight: 500; color: var(--soft); vertical-align: bottom; border-bottom: 1px solid var(--rule); }
th, td { text-align: right; padding: 4px 0 4px 14px; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
td { border-bottom: 1px solid var(--hair); }
tr.abandoned td { color: var(--soft); }
pre { margin: 14px 0 0; font: 12.5px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 44px; }
@media (max-width: 760px) {
  body { padding: 28px 18px 48px; }
  .scroll svg { min-width: 680px; }
}
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  .tiles { grid-template-columns: repeat(4, 1fr); gap: 20px; }
  .tiles .number { font-size: 26px; }
  figure { margin-top: 30px; }
  details::details-content { content-visibility: visible; block-size: auto; }
  tr { break-inside: avoid; }
}
`;
